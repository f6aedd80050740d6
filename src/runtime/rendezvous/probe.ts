import { errnoOf, invalidArgument, reasonOf } from '../errors.ts';
import type { ActiveState, ProbeResult } from '../types.ts';
import { connectError, diagnose, stateOf } from './connect-error.ts';
import { resolveEndpoint } from './endpoint.ts';
import { kindOf, shell } from './errors.ts';
import { knock } from './knock.ts';
import { fs } from '../builtins.ts';

const { lstatSync } = fs;

/** As `probe` of src/index.ts, which says it all. */
export async function probe(
  path: string,
  { timeout = 1000 }: { timeout?: number } = {},
): Promise<ProbeResult> {
  if (typeof timeout !== 'number' || !(timeout >= 0 && timeout < 2 ** 31)) {
    throw invalidArgument(`timeout is ${String(timeout)}: give milliseconds, from 0 to ${2 ** 31 - 1}.`);
  }
  const { absolute } = resolveEndpoint(path);
  return whatStands(absolute) ?? whoAnswers(absolute, timeout);
}

/** On Windows a pipe has no file to look at. */
function whatStands(path: string): ProbeResult | undefined {
  if (process.platform === 'win32') return undefined;
  try {
    const stats = lstatSync(path);
    if (stats.isSocket()) return undefined;
    return { state: 'invalid-path', cause: `At ${shell(path)} stands ${kindOf(stats)}, not a socket.` };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return found('not-listening', error, path);
    const cause = `What stands at ${shell(path)} could not be looked at (${reasonOf(error)}).`;
    return { state: 'invalid-path', cause, ...(errno && { errno }) };
  }
}

async function whoAnswers(path: string, timeout: number): Promise<ProbeResult> {
  const error = await knock(path, { timeout });
  if (error === undefined) {
    return { state: 'listening', cause: `A server accepts connections at ${shell(path)}.` };
  }
  if (errnoOf(error) === 'ETIMEDOUT') {
    const cause = `Nobody answered at ${shell(path)} within ${timeout} ms.`;
    return { state: 'other-error', cause, errno: 'ETIMEDOUT' };
  }
  const state = stateOf(connectError(error, path));
  // It was there when it was looked at: its server has stopped since.
  return found(state === 'path-not-found' ? 'not-listening' : state, error, path);
}

function found(state: ActiveState, error: unknown, path: string): ProbeResult {
  const errno = errnoOf(error);
  return { state, cause: diagnose(error, path).cause, ...(errno && { errno }) };
}
