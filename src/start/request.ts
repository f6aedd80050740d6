import type { CallHooks } from '../runtime/client.ts';
import { planStart } from './options.ts';
import type { StartOptions } from './types.ts';

/** How often one call may find that a server which listened has gone before it was asked. */
const LOOKS = 5;

/**
 * What has a call start a server where none listens: once. Loaded only for calls that ask for it; what starts one, only
 * when it comes to that.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT`.
 */
export function startHooks(path: string, given: StartOptions | readonly string[]): CallHooks {
  const options: StartOptions = isCommand(given) ? { command: given } : given;
  planStart(path, options);
  let looks = 0;
  return {
    async whenMissing(error, signal) {
      if (looks >= LOOKS) throw error;
      looks++;
      const { start } = await import('./start.ts');
      const either = options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]);
      const { started } = await start(path, { ...options, signal: either });
      if (started) looks = LOOKS;
    },
  };
}

function isCommand(given: StartOptions | readonly string[]): given is readonly string[] {
  return Array.isArray(given);
}
