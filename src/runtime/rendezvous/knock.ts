import { withAddress } from './address.ts';
import { aborted } from './errors.ts';
import { net } from '../builtins.ts';

const { connect } = net;

/**
 * Connects, says nothing, and hangs up: git's way to see whether a server lives. Resolves with `undefined` when one
 * answers, else with the error; `ETIMEDOUT` after `timeout` milliseconds, which only Windows can make a caller wait.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_ABORTED` by the signal.
 */
export function knock(
  path: string,
  options: { timeout: number; signal?: AbortSignal | undefined },
): Promise<unknown> {
  const { timeout, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) throw aborted(path, signal);
    const socket = tryConnect();
    if (socket === undefined) return;

    const timer = setTimeout(() => finish(timedOut(timeout)), timeout);
    const onAbort = () => {
      reject(aborted(path, signal!));
      finish(undefined);
    };
    signal?.addEventListener('abort', onAbort);
    socket.once('connect', () => finish(undefined));
    socket.on('error', finish);

    function tryConnect() {
      try {
        return withAddress(path, (address) => connect(address));
      } catch (error) {
        resolve(error);
        return undefined;
      }
    }
    function finish(outcome: unknown): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket?.destroy();
      resolve(outcome);
    }
  });
}

function timedOut(timeout: number): Error {
  return Object.assign(new Error(`no answer within ${timeout} ms`), { code: 'ETIMEDOUT' });
}
