import type { CallHooks } from '../runtime/client.ts';
import { planStart } from './options.ts';
import type { RequestOptions } from '../runtime/types.ts';
import type { StartOptions } from './types.ts';

/** How often one call may find that a server which listened has gone before it was asked. */
const LOOKS = 5;

/**
 * What has a call start a server where none listens, once, and what has it look who listens. Loaded only for calls that ask for
 * it; what starts one, only when it comes to that.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT`.
 */
export async function callHooks(
  path: string,
  { start, expect }: Pick<RequestOptions, 'start' | 'expect'>,
): Promise<CallHooks> {
  const beforeConnect =
    expect === undefined ? undefined : (await import('./expect.ts')).expecting(path, expect);
  return {
    ...(beforeConnect === undefined ? undefined : { beforeConnect }),
    ...(start === undefined ? undefined : { whenMissing: starting(path, start) }),
  };
}

function starting(path: string, given: StartOptions | readonly string[]): Required<CallHooks>['whenMissing'] {
  const options: StartOptions = isCommand(given) ? { command: given } : given;
  planStart(path, options);
  let looks = 0;
  return async (error, signal) => {
    if (looks >= LOOKS) throw error;
    looks++;
    const { start } = await import('./start.ts');
    const either = options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]);
    const { started } = await start(path, { ...options, signal: either });
    if (started) looks = LOOKS;
  };
}

function isCommand(given: StartOptions | readonly string[]): given is readonly string[] {
  return Array.isArray(given);
}
