import { askLive } from '../control/ask.ts';
import type { LiveStatus } from '../control/types.ts';
import { SimpleIpcError, type ErrorCode } from '../runtime/errors.ts';
import type { InstanceStatus } from '../runtime/rendezvous/status.ts';
import type { PoolState } from '../runtime/types.ts';

/**
 * The state that a server says it is in, asked by its control endpoint: no handler runs.
 *
 * @throws {SimpleIpcError} What `askLive` throws; and an `Error` when what it answers is no status.
 */
export async function askState(instance: InstanceStatus, timeout: number): Promise<PoolState> {
  // 0 would wait for ever.
  const ms = Math.max(timeout, 1);
  const live: Partial<LiveStatus> | undefined = await askLive(instance, instance.path, ms);
  if (live?.state !== undefined) return live.state;
  throw new Error('its answer does not say what state it is in');
}

/** It is there, and has not answered in time. */
const LATE: ReadonlySet<ErrorCode> = new Set([
  'SIMPLE_IPC_TIMED_OUT',
  'SIMPLE_IPC_DEADLINE_EXCEEDED',
  'SIMPLE_IPC_BUSY',
] as const);

/** Whether what kept a server from being asked is that it does not get round to it. */
export function isLate(error: unknown): boolean {
  return error instanceof SimpleIpcError && LATE.has(error.code);
}
