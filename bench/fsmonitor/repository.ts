/** The repository that git is asked about: made once for all rounds of a scenario, and removed after them. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from '../progress.ts';
import type { Git } from '../run/find-git.ts';
import type { Tree } from '../types.ts';
import { output, type Where } from './commands.ts';
import { MARK, untilGone } from './daemons.ts';
import { environmentOf } from './monitors.ts';
import { makeTree } from './tree.ts';

export interface Repository {
  readonly directory: string;
  /** What is in the environment of every process that works on it. */
  readonly mark: string;
  /** Where git's own daemon listens, and ours in its place. */
  readonly socket: string;
  /** How programs are run in it: without what the user or the machine has set. */
  where(git: Git): Where;
  /** Ends what still works on it. */
  remove(): Promise<void>;
}

const CONFIG = {
  'core.untrackedCache': 'true',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'user.name': 'bench',
  'user.email': 'bench@example.invalid',
};

/**
 * git compares times in whole seconds: files that are not older than its index are read again each time. In
 * milliseconds.
 */
const ONE_SECOND = 1_100;

export async function makeRepository(
  git: Git,
  tree: Tree,
  {
    progress,
    signal,
  }: { readonly progress: Pick<Progress, 'at'>; readonly signal?: AbortSignal | undefined },
): Promise<Repository> {
  const home = mkdtempSync(join(tmpdir(), 'simple-ipc-bench-'));
  const directory = join(home, 'repository');
  const mark = basename(home);
  const repository: Repository = {
    directory,
    mark,
    socket: join(directory, '.git', 'fsmonitor--daemon.ipc'),
    where: (its) => ({
      cwd: directory,
      env: { ...environmentOf(its), HOME: home, XDG_DATA_HOME: join(home, 'data'), [MARK]: mark },
      signal,
    }),
    async remove() {
      progress.at('removing the repository');
      await untilGone(mark);
      rmSync(home, { recursive: true, force: true });
    },
  };
  try {
    mkdirSync(directory);
    const run = (...args: string[]) => output(git.bin, args, repository.where(git));
    await run('init', '--quiet');
    for (const [key, value] of Object.entries(CONFIG)) await run('config', key, value);
    await makeTree(directory, tree, {
      tell: (made) => progress.at(`the repository: ${made} of ${tree.directories} directories`),
      signal,
    });
    progress.at('the repository: its first commit');
    await delay(ONE_SECOND, undefined, { signal });
    await run('add', '.');
    await run('commit', '--quiet', '--message', 'All of it');
    return repository;
  } catch (error) {
    await repository.remove();
    throw error;
  }
}
