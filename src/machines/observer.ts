import type { ConnectionOutput, ConnectionState } from './connection.ts';
import type { PoolState } from './pool.ts';

/**
 * What watches servers and calls from beside them, such as telemetry. It is told names, times and sizes as they come, and
 * nothing is made for it: a request has one observer of its own, which keeps what it wants to keep. Times are
 * `performance.now()`, in milliseconds. An observer must not throw: what it throws is reported once, and it is asked no
 * more.
 */
export interface Telemetry {
  /** A server has been started. */
  server(server: ObservedServer): ServerObserver;
  /** A request is about to be sent. Nothing: this one is not observed. */
  call(call: ObservedCall): CallObserver | undefined;
}

/** Where a request goes: a Unix domain socket or a named pipe. */
export type Transport = 'unix' | 'pipe';

/** Bytes of data, and the packets that carry them, so far. */
export interface Sizes {
  readonly requestBytes: number;
  readonly requestPackets: number;
  readonly responseBytes: number;
  readonly responsePackets: number;
}

/** A server as an observer sees it. */
export interface ObservedServer {
  readonly path: string;
  readonly transport: Transport;
  /** Gauges and counters, as they are when it is asked. */
  stats(): ObservedStats;
}

export interface ObservedStats {
  readonly open: number;
  readonly running: number;
  readonly waiting: number;
  readonly abandoned: number;
  readonly refused: number;
  readonly acceptErrors: number;
}

export interface ServerObserver {
  /** A connection was accepted. Nothing: this one is not observed. */
  connection(connection: ObservedConnection): ConnectionObserver | undefined;
  /** The pool has taken an event. */
  pool?(event: string, to: PoolState, at: number): void;
  /** The server has ended. */
  ended?(): void;
}

/** A connection as an observer sees it. */
export interface ObservedConnection extends Sizes {
  /** The number in its name, which is `c1`, `c2`, ... */
  readonly number: number;
  /** What has come of the request and waits for its handler: whole, where the request came in one chunk. */
  head(): Uint8Array;
}

export interface ConnectionObserver {
  /**
   * The connection has taken an event, `at` that time, and is in state `to`. `output`: with the last one, how it ended.
   */
  transition(event: string, to: ConnectionState, at: number, output?: ConnectionOutput): void;
  /** What the client sent behind its request: the data of one trailer of at most 1 KiB. */
  trailer(data: string): void;
  /** Runs the handler: calls `run(...args)`, once, and gives what that gives. */
  handle<Args extends unknown[], Result>(run: (...args: Args) => Result, ...args: Args): Result;
  /** Its actor crashed: a defect. Nothing follows. */
  crashed(error: unknown, at: number): void;
}

/** A call of the client as an observer sees it. */
export interface ObservedCall extends Sizes {
  readonly path: string;
  readonly transport: Transport;
  /** The request, where it is given whole. */
  head(): Uint8Array;
}

/** What a call is doing. It is `connecting` again where it waits for a busy or missing server. */
export type CallState = 'connecting' | 'sending-request' | 'awaiting-response' | 'reading-response';

export interface CallObserver {
  /** What to send behind the request, for a server that wants to know; nothing: no trailer. Asked once a connection. */
  trailer(): string | undefined;
  /** It has begun to do this. */
  state(state: CallState, at: number): void;
  /** It is over: the response is complete, or `error` says why it will not be. Nothing follows. */
  ended(at: number, error?: Error): void;
}
