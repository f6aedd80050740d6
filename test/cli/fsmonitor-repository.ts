// A repository for a test of `simple-ipc fsmonitor`, and what runs git and ours in it, in an environment of the test's own.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { request } from '../../src/index.ts';
import type { Git } from '../support/peers.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { MAIN } from './command.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and how something is run. */
export interface Where {
  /** From the test's directory. Default: `repository`. */
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** A directory of the test's own, with a repository and an empty home. */
export interface Place {
  readonly root: string;
  readonly repository: string;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs git. Stops the test where it fails, unless told otherwise. */
  git(args: readonly string[], where?: Where): string;
  tryGit(args: readonly string[], where?: Where): Promise<Ran>;
  /** Runs `simple-ipc fsmonitor`. */
  ours(args: readonly string[], where?: Where): Promise<Ran>;
  /** The same subcommand of git. */
  gits(args: readonly string[], where?: Where): Promise<Ran>;
}

export function makePlace(t: ExecutionContext, { bin, env: base }: Git): Place {
  const root = realpathSync(temporaryDirectory(t));
  const home = join(root, 'home');
  mkdirSync(home);
  const env: NodeJS.ProcessEnv = {
    ...base,
    HOME: home,
    XDG_DATA_HOME: undefined,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_COUNT: '3',
    GIT_CONFIG_KEY_0: 'user.name',
    GIT_CONFIG_VALUE_0: 'A',
    GIT_CONFIG_KEY_1: 'user.email',
    GIT_CONFIG_VALUE_1: 'a@example.org',
    GIT_CONFIG_KEY_2: 'protocol.file.allow',
    GIT_CONFIG_VALUE_2: 'always',
    LC_ALL: 'C',
    // The daemon, and the hook, run the git that is under test.
    PATH: `${bin.slice(0, bin.lastIndexOf('/'))}:${process.env['PATH']}`,
  };
  const at = ({ cwd = 'repository', env: more }: Where) => ({
    cwd: join(root, cwd),
    env: { ...env, ...more },
  });
  const place: Place = {
    root,
    repository: join(root, 'repository'),
    home,
    env,
    git: (args, where = {}) =>
      execFileSync(bin, args, { ...at(where), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    tryGit: (args, where = {}) => ran(t, bin, args, at(where)),
    ours: (args, where = {}) => ran(t, process.execPath, [MAIN, 'fsmonitor', ...args], at(where)),
    gits: (args, where = {}) => ran(t, bin, ['fsmonitor--daemon', ...args], at(where)),
  };
  place.git(['init', '--quiet', 'repository'], { cwd: '.' });
  place.git(['commit', '--quiet', '--allow-empty', '--message', 'first']);
  // Whatever listens somewhere in it ends with the test.
  t.teardown(async () => {
    // By find: a daemon that just ended takes its folder away meanwhile, which fails a recursive readdir.
    const found = spawnSync('find', [root, '-type', 's'], { encoding: 'utf8' });
    if (found.error) throw found.error;
    const sockets = found.stdout
      .split('\n')
      .filter((path) => /\/(?:fsmonitor--daemon\.ipc|\.git-fsmonitor-[\da-f]+)$/u.test(path));
    const quits = sockets.map(async (path) => (await request(path, 'quit')).bytes());
    await Promise.allSettled(quits);
  });
  return place;
}

async function ran(
  t: ExecutionContext,
  program: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Ran> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // Its output as well: a daemon that it leaves must not hold that open.
  const [code] = await once(child, 'close');
  return { code: code as number, stdout, stderr };
}
