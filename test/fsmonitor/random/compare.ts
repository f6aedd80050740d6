/**
 * `git status` with the daemon against `git status` without any. Both begin with the same index, of which the second has a link:
 * git replaces an index and never writes into one. So what the second does not see, the first need not see either: two writes of
 * as many bytes within the second that an index keeps of a file's times. Without fsmonitor git forgets, when it has read the index,
 * which entries the daemon has vouched for, and without untracked cache what it knew of directories; it writes neither down.
 */
import { linkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Comparison } from './operations.ts';
import { git, type Repository } from './repository.ts';

export interface Difference {
  /** What only git without fsmonitor reports. */
  readonly missing: readonly string[];
  /** What only git with the daemon reports. */
  readonly wrong: readonly string[];
  /** What git said on stderr. */
  readonly said: string;
}

const WITHOUT = ['-c', 'core.fsmonitor=false', '-c', 'core.untrackedCache=false'];

/** Undefined where all clients report what git reports without them. */
export async function compare(
  repository: Repository,
  { flags, locks, clients }: Comparison,
): Promise<Difference | undefined> {
  const { home, gitDirectory } = repository;
  const index = join(home, 'reference', 'index');
  rmSync(index, { force: true });
  linkSync(join(gitDirectory, 'index'), index);
  const status = ['status', '--porcelain=v2', '-z', ...flags];
  const [reference, ...results] = await Promise.all([
    git(repository, [...WITHOUT, ...status], undefined, {
      GIT_INDEX_FILE: index,
      GIT_OPTIONAL_LOCKS: '0',
      GIT_TRACE2_EVENT: '0',
    }),
    ...Array.from({ length: clients }, () =>
      git(repository, status, undefined, { GIT_OPTIONAL_LOCKS: locks ? '1' : '0' }),
    ),
  ]);
  // An older git gives up on some worktrees, such as one with a link where a submodule was: then it has to with a daemon as well.
  const different = results.find(
    ({ code, stdout }) => code !== reference.code || !stdout.equals(reference.stdout),
  );
  if (different === undefined) return undefined;
  const expected = linesOf(reference.stdout);
  const actual = linesOf(different.stdout);
  return {
    missing: expected.filter((line) => !actual.includes(line)),
    wrong: actual.filter((line) => !expected.includes(line)),
    said: different.stderr,
  };
}

function linesOf(output: Buffer): string[] {
  return output.toString('latin1').split('\0').slice(0, -1);
}
