import { setTimeout as sleep } from 'node:timers/promises';

import { aborted } from './errors.ts';

/** Waits `ms` milliseconds, or throws `SIMPLE_IPC_ABORTED` as soon as the signal aborts. */
export async function pause(ms: number, path: string, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(path, signal);
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    throwIfAborted(path, signal);
    throw error;
  }
}

/** @throws {SimpleIpcError} `SIMPLE_IPC_ABORTED` when the signal has aborted. */
export function throwIfAborted(path: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(path, signal);
}
