import type { InstanceStatus } from '../runtime/rendezvous/status.ts';
import type { ProcessState } from '../runtime/rendezvous/process-state.ts';
import type { EndReason } from '../machines/pool.ts';
import type { PoolState, ServerStats } from '../runtime/types.ts';

export type { InstanceStatus, ProcessState };

/** What a server says of itself when it is asked. */
export interface LiveStatus {
  readonly state: PoolState;
  /** How long it has been running, in milliseconds. */
  readonly uptime: number;
  readonly stats: ServerStats;
  /** Of its process, in bytes. */
  readonly memory: { readonly rss: number; readonly heapUsed: number };
  /** How long it lets running requests finish when it stops, in milliseconds. */
  readonly drainTimeout: number;
}

/** What is known of the server at a path: what it has written of itself, what is seen of its process, and what it says now. */
export interface ServerStatus extends InstanceStatus {
  /** How its process is, as far as it can be seen from here. */
  readonly process: ProcessState;
  /** What it answers; nothing where it does not. */
  readonly live: LiveStatus | null;
  /** Why it does not answer, in one sentence. */
  readonly problem: string | null;
}

/** Options of `stop`. Times are in milliseconds. */
export interface StopOptions {
  /** How long running requests may go on. Default: what the server was told. */
  drainTimeout?: number;
  /** How long to wait for the server to end. Default 30,000; 0 waits for ever. */
  timeout?: number;
  /**
   * Kills the process (SIGTERM where it can't be asked, and SIGKILL) when it has not ended by then; but only if it is proved
   * to be the one that listens, which takes Linux. Default false.
   */
  force?: boolean;
  /** Stops waiting when it aborts. What the server was told stays. */
  signal?: AbortSignal;
}

/** What came of `stop`. */
export interface Stopped {
  /** False where no server was running. */
  readonly wasRunning: boolean;
  readonly pid: number | undefined;
  /** How the server ended, where it said so. */
  readonly ended: EndReason | undefined;
  /** The signal that it took. */
  readonly killedBy: 'SIGTERM' | 'SIGKILL' | undefined;
  /** How many requests it left off, as it said in the end: they ran for longer than `drainTimeout`. */
  readonly aborted: number;
  /** The processes of servers that had the path before this one, and still finish what they have: they end by themselves. */
  readonly draining: readonly number[];
}

/** The words that a control endpoint knows. Options follow behind a space, as a JSON object. */
export type ControlWord = 'status' | 'stop' | 'handover' | 'events';
