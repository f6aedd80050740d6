import type { EndReason, PoolState } from '../machines/pool.ts';
import type { ConnectionState, Outcome } from '../machines/connection.ts';

/** The states in which a connection is open. */
export type OpenState = Exclude<ConnectionState, 'closed'>;

/** What a server did within an interval, and how it stands at its end. It goes as a line of JSON. */
export interface Summary {
  /** The end of the interval: milliseconds since the epoch. */
  readonly at: number;
  /** How long the interval was, measured: longer than asked where nobody took the summary. In milliseconds. */
  readonly intervalMs: number;
  readonly state: PoolState;
  /** Connections open now. */
  readonly open: number;
  /**
   * Those of them that are known, by state. One that was open before anybody asked is known from when it next changes
   * its state.
   */
  readonly connections: Readonly<Record<OpenState, number>>;
  /** Requests waiting for a handler now. */
  readonly waiting: number;
  /** Handlers running now. */
  readonly running: number;
  /** Handlers running now whose connection is gone. */
  readonly abandoned: number;
  /** Request bytes held now. */
  readonly bufferedBytes: number;
  /** Connections that ended within the interval, by how they ended. */
  readonly ended: Readonly<Record<Outcome, number>>;
  /** Connections refused within the interval because `maxConnections` were open. */
  readonly refused: number;
  /** Connections that the system could not hand over, within the interval. */
  readonly acceptErrors: number;
  /** Connections that crashed within the interval. They are among those that ended `aborted`, too. */
  readonly crashed: number;
  readonly latency: Latency;
  /** The slowest requests that ended within the interval, the slowest first: at most five. */
  readonly slowest: readonly SlowRequest[];
  /** Connections that were not followed, because too many were open. */
  readonly dropped: number;
  readonly memory: { /** Resident set size, in bytes. */ readonly rss: number };
  /** The server has ended, and this is the last summary. */
  readonly end?: { readonly reason: EndReason; /** Why it failed. */ readonly error?: string };
}

/**
 * How long requests took that ended within the interval, in microseconds: from their first byte to the end of their
 * connection, however that ended. A connection that never spoke is no request.
 */
export interface Latency {
  /** The upper bounds of the buckets, each part of its bucket. */
  readonly buckets: readonly number[];
  /** How many requests were in each; one more than there are bounds, for what is above them. */
  readonly counts: readonly number[];
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  /** Exact, where the percentiles are made of the buckets. */
  readonly max: number | null;
}

export interface SlowRequest {
  /** The connection's name. */
  readonly connection: string;
  /** How it ended: an outcome, or `crashed`. */
  readonly outcome: string;
  /** How long it took, as in `Latency`, but in milliseconds. */
  readonly ms: number;
  /** The time in each of the states that it came to. `waited`: how much of it was spent waiting for a free slot. */
  readonly phases: readonly { readonly state: OpenState; readonly ms: number; readonly waited: number }[];
  /** When its first byte came: milliseconds since the epoch. */
  readonly at: number;
}
