/** The git that plays a game: git 2.55 or newer, which asks at the socket; for the hook the machine's own, of whatever version. */
import { findGit } from '../../../bench/run/find-git.ts';
import { findOnPath } from '../../../bench/run/programs.ts';
import { Unavailable } from '../../../bench/types.ts';
import type { Kind } from './daemons.ts';
import type { GitProgram } from './repository.ts';

/** @throws {Unavailable} where there is none. */
export function findProgram(daemon: Kind): GitProgram {
  const { bin, env } = findGit();
  if (daemon !== 'hook') return { bin, env };
  const own = findOnPath('git');
  if (own === undefined) throw new Unavailable('There is no git on the PATH.');
  return { bin: own, env };
}
