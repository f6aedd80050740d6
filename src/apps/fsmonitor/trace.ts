import { bytesOf } from './paths.ts';
import { fs } from './builtins.ts';

const { openSync, writeSync } = fs;

const EVENT = 'event: ';

/**
 * Writes each path that an event tells of where `GIT_TRACE_FSMONITOR` says, as `event: <path>`: 1 or true is stderr, 2 to 9 a descriptor, and a path from
 * the root a file that it is added to. See "GIT_TRACE" in git(1).
 *
 * @returns Nothing, where nothing is to be traced.
 */
export function eventTrace(
  env: NodeJS.ProcessEnv = process.env,
  onProblem: (message: string) => void = () => {},
): ((path: string) => void) | undefined {
  const { GIT_TRACE_FSMONITOR: where = '' } = env;
  if (/^(?:|0|no|off|false)$/iu.test(where)) return undefined;
  const file = descriptorOf(where, onProblem);
  if (file === undefined) return undefined;
  return (path) => {
    const time = new Date().toISOString().slice(11, 23);
    try {
      writeSync(
        file,
        Buffer.concat([Buffer.from(`${time}000 fsmonitor ${EVENT}`), bytesOf(path), Buffer.of(0x0a)]),
      );
    } catch {
      // A full disk, or a terminal that is gone: a trace must not keep anything from being answered.
    }
  };
}

function descriptorOf(where: string, onProblem: (message: string) => void): number | undefined {
  if (/^(?:1|yes|on|true)$/iu.test(where)) return 2;
  if (/^[2-9]$/u.test(where)) return Number(where);
  try {
    if (where.startsWith('/')) return openSync(where, 'a');
    onProblem(
      `GIT_TRACE_FSMONITOR=${where} is none of 0, 1, 2 to 9 and a path from the root: nothing is traced.`,
    );
  } catch (error) {
    onProblem(`Events cannot be traced to ${where}: ${(error as Error).message}`);
  }
  return undefined;
}
