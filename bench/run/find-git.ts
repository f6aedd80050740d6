/** Finds a git whose server can be measured, 2.55 or newer, with `fsmonitor--daemon`; and the machine's own. */
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

/**
 * The git on the PATH, whatever its version.
 *
 * @throws {Unavailable}
 */
export function findSystemGit(env: NodeJS.ProcessEnv = process.env): Git {
  const bin = findOnPath('git', env);
  const found = bin === undefined ? undefined : askForVersion(bin, env);
  if (found === undefined)
    throw new Unavailable('There is no git on the PATH: install the package git of your system.');
  return found;
}

function gitAt(bin: string, given: NodeJS.ProcessEnv): Git | undefined {
  const found = askForVersion(bin, given);
  if (found === undefined) return undefined;
  const [major, minor] = found.version.split('.').map(Number) as [number, number];
  const isNewEnough = major > 2 || (major === 2 && minor >= 55);
  return isNewEnough && /^feature: fsmonitor--daemon$/m.test(found.said) ? found : undefined;
}

function askForVersion(bin: string, given: NodeJS.ProcessEnv): (Git & { readonly said: string }) | undefined {
  if (!isExecutable(bin)) return undefined;
  const inherited = Object.entries(given).filter(
    ([name]) => !name.startsWith('GIT_') && name !== 'XDG_CONFIG_HOME',
  );
  const env = { ...Object.fromEntries(inherited), GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };
  const { stdout } = spawnSync(bin, ['version', '--build-options'], { encoding: 'utf8', env });
  const [, version] = /^git version (\d+\.\d+\S*)/.exec(stdout) ?? [];
  return version === undefined ? undefined : { bin, version, env, said: stdout };
}
