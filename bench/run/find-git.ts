/** Finds a git whose server can be measured: 2.55 or newer, with `fsmonitor--daemon`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Unavailable } from '../types.ts';
import { findOnPath, isExecutable, peersDirectory } from './programs.ts';

export interface Git {
  readonly bin: string;
  readonly version: string;
  /** An environment that shows it none of the user's or the machine's configuration. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Looks at SIMPLE_IPC_GIT (and then nowhere else), where `.ci/peers/git.sh` puts it, and on the PATH.
 *
 * @throws {Unavailable}
 */
export function findGit(env: NodeJS.ProcessEnv = process.env): Git {
  const named = env['SIMPLE_IPC_GIT'];
  const places = named ? [named] : [join(peersDirectory(env), 'git', 'bin', 'git'), findOnPath('git', env)];
  for (const bin of places) {
    const found = bin === undefined ? undefined : gitAt(bin, env);
    if (found !== undefined) return found;
  }
  const place = named ? ` at ${named}, which SIMPLE_IPC_GIT names` : '';
  throw new Unavailable(
    `There is no git 2.55 or newer with fsmonitor--daemon${place}: run .ci/peers/git.sh, or set SIMPLE_IPC_GIT to one.`,
  );
}

function gitAt(bin: string, given: NodeJS.ProcessEnv): Git | undefined {
  if (!isExecutable(bin)) return undefined;
  const inherited = Object.entries(given).filter(
    ([name]) => !name.startsWith('GIT_') && name !== 'XDG_CONFIG_HOME',
  );
  const env = { ...Object.fromEntries(inherited), GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };
  const { stdout } = spawnSync(bin, ['version', '--build-options'], { encoding: 'utf8', env });
  const [, version = '', major, minor] = /^git version ((\d+)\.(\d+)\S*)/.exec(stdout) ?? [];
  const isNewEnough = Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 55);
  return isNewEnough && /^feature: fsmonitor--daemon$/m.test(stdout) ? { bin, version, env } : undefined;
}
