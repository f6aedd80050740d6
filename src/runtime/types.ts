import type { ConnectionOutput, ConnectionState } from '../machines/connection.ts';
import type { Telemetry } from '../machines/observer.ts';
import type { EndReason, PoolState } from '../machines/pool.ts';
import type { Transition } from '../machines/transition.ts';
import type { SimpleIpcError } from './errors.ts';
import type { QUIT } from './quit.ts';

export type { ConnectionOutput, ConnectionState, PoolState, Telemetry, Transition };

/** One piece of a request or an answer. A string is sent as UTF-8. */
export type Chunk = string | Uint8Array;

/**
 * What a client may send: nothing (an empty request), text, bytes, or pieces that are sent as they come.
 */
export type Message = undefined | Chunk | Iterable<Chunk> | AsyncIterable<Chunk> | ReadableStream<Chunk>;

/**
 * What a handler may answer: nothing (an empty answer), text, bytes, pieces that are sent as they come, or `QUIT`.
 * A generator may end with `return QUIT`: its answer is sent, then the server drains and stops.
 * Bytes that are returned are sent from where they are, so leave them alone; a generator may fill a buffer again that it
 * has yielded.
 */
export type Answer = void | Message | typeof QUIT;

/** The bytes of a request or of a response, read whole or as they arrive. They can be read once. */
export interface Body extends AsyncIterable<Uint8Array> {
  /**
   * The whole message, decoded as UTF-8. It is held in memory whole: git sets no limit to a message, and neither does
   * this; on the server, `maxRequestBytes` does.
   *
   * @throws {SimpleIpcError} `SIMPLE_IPC_BODY_USED` when it was read before; and whatever cut the message off.
   */
  text(): Promise<string>;
  /**
   * The whole message. What is said of `text` holds here too.
   *
   * @throws {SimpleIpcError} `SIMPLE_IPC_BODY_USED` when it was read before; and whatever cut the message off.
   */
  bytes(): Promise<Uint8Array>;
}

/** A request as a handler sees it. What the handler leaves unread is drained. */
export interface IpcRequest extends Body {}

/** A response as a client sees it. Leaving the iteration early, or disposing it, closes the connection. */
export interface IpcResponse extends Body, AsyncDisposable {
  /** Closes the connection. What has not been read is lost; the server's handler, if it still runs, sees its `signal` abort. */
  cancel(): void;
}

/** What a handler is told beside the request. */
export interface RequestContext {
  /**
   * Aborts when nobody waits for the answer any more: the client hung up, a time-out or a limit was hit, or the
   * server's drain deadline passed. Its `reason` is a `SimpleIpcError`.
   */
  readonly signal: AbortSignal;
  /** The connection's name in transitions and reports, unique within the server: `c1`, `c2`, ... */
  readonly connection: string;
  /**
   * Whether the request came in pkt-lines. Only with `unframed` of `serve` there are others: they are one line, and their
   * answer is at most 64 KiB.
   */
  readonly framed: boolean;
}

/**
 * Answers one request. A handler that throws, or whose answer does, fails that request alone: its connection is closed
 * without a flush packet, so that the client sees an error and never half an answer.
 */
export type Handler = (request: IpcRequest, context: RequestContext) => Answer | Promise<Answer>;

/** Options of `serve`. Times are in milliseconds, sizes in bytes. */
export interface ServeOptions {
  /**
   * Handlers running at once; further requests wait, first come, first served. Default 256; `Infinity` is allowed.
   * git's counterpart is its number of worker threads (`fsmonitor.ipcThreads`, 8).
   */
  concurrency?: number;
  /** Connections open at once. The newest above it is closed at once, counted and reported. Default 10,000. */
  maxConnections?: number;
  /**
   * How much of one request is held before its handler starts, and while it does not read. A longer request is handed
   * over when it has outgrown the window and streams through it. Likewise how much of an answer is held while its
   * client is still sending. Default 1 MiB.
   */
  window?: number;
  /**
   * One budget for the request bytes held for all connections together. When it is used up, requests stream as if they
   * had outgrown their window; what is held beyond it is at most one read (64 KiB) a connection. Default 256 MiB.
   */
  maxBufferedBytes?: number;
  /** The longest request. A longer one is refused. Default `Infinity`: git sets no limit. */
  maxRequestBytes?: number;
  /** How long to wait for a client that should send and does not. Default 60,000; 0 waits for ever. */
  readTimeout?: number;
  /**
   * How long to wait for a client that should read and does not: less than about 256 KiB, which is what the kernel is
   * given at once. Default 60,000; 0 waits for ever.
   */
  writeTimeout?: number;
  /** How long `close` lets running requests finish before it aborts them. Default 10,000; 0 aborts at once. */
  drainTimeout?: number;
  /**
   * How often to check that the socket at the path is still this server's. One that was replaced or deleted can't be
   * reached any more, so the server drains and stops. Default 10,000 (git: 60,000); 0 never checks.
   */
  pathCheckInterval?: number;
  /** How long to wait for another process that is just starting or stopping a server here. Default 5,000. */
  lockTimeout?: number;
  /**
   * Ends the server when no connection was open for so long; up to a tenth later. Nobody is turned away by it: who
   * connects meanwhile is served. Default 0: never.
   */
  idleTimeout?: number;
  /** What the server is, for `status` and for clients that expect it. Default: the name of the script that runs. */
  program?: string;
  /** Which one it is, such as `1.4.2`: clients may expect a range of versions. Default: none. */
  version?: string;
  /**
   * Opens a control endpoint beside the socket, for this user alone, by which `status`, `stop`, `watch` and `takeover` reach
   * this server. Its connections count for no limit and no statistics. Default false.
   */
  control?: boolean;
  /**
   * Answers as well a client that sends no pkt-lines, such as a shell script with `nc`. Where the first byte of a request is
   * no hexadecimal digit, the request is one line of at most 64 KiB: to its newline, which is not part of it, or to the
   * client's half-close. The answer is its bare bytes. Such a client cannot tell half an answer from a whole one, so the answer
   * is held until it is whole, and sent in one write or not at all; one of more than 64 KiB fails, and the handler knows by
   * `context.framed` whom it answers. A failed one is closed without a byte. Default false: it is a protocol error.
   */
  unframed?: boolean;
  /**
   * Takes the path from the server that listens there, if it is one of this library: there is no instant without one. The old
   * one is told, serves what it has, and ends with `handed-over`. Default false. Not on Windows.
   */
  takeover?: boolean;
  /**
   * Listens on this descriptor, a Unix stream socket that listens already, such as one that a service manager hands in.
   * It is used as it is: the path is neither locked, replaced, given a mode, watched nor removed. Default: none.
   */
  fd?: number;
  /**
   * Runs the machines by XState's interpreter, for its inspection, instead of compiled. About four times the cost a
   * request. Default false.
   */
  interpreted?: boolean;
  /** Watches every request: see `simple-ipc/telemetry`. Default none. */
  telemetry?: Telemetry;
  /** Is told of every transition of the pool and of its connections. It must not throw; what it throws is reported. */
  onTransition?: (transition: Transition) => void;
  /** Drains and stops the server when it aborts; aborts the start when it aborts before that. */
  signal?: AbortSignal;
}

/** How a server ended. */
export interface ServerEnd {
  /**
   * `closed`: by `close`, `stop`, a signal or disposal. `quit`: a handler returned `QUIT`. `idle`: nobody came for
   * `idleTimeout`. `handed-over`: another server has taken the path over. `path-lost`: its socket was replaced or deleted.
   * `failed`: see `error`.
   */
  readonly reason: EndReason;
  /** Why it failed. */
  readonly error?: SimpleIpcError;
}

/** Counters since the start, and gauges, of one server. */
export interface ServerStats {
  /** Connections accepted. */
  readonly accepted: number;
  /** Connections refused because `maxConnections` were open. */
  readonly refused: number;
  /** Connections open now. */
  readonly open: number;
  /** Requests whose handler is running now, abandoned ones among them. */
  readonly running: number;
  /** Requests waiting for a handler now. */
  readonly waiting: number;
  /** Handlers still running although their connection is gone: they ignore their aborted `signal`. */
  readonly abandoned: number;
  /** Request bytes held now. */
  readonly bufferedBytes: number;
  /** Connections ended, by how they ended. */
  readonly ended: Readonly<Record<ConnectionOutput['outcome'], number>>;
  /** Connections the system had accepted and could not hand over, such as for want of descriptors (EMFILE). */
  readonly acceptErrors: number;
  /** Connection actors that crashed: defects of this library or of an observer. */
  readonly crashed: number;
}

/** A running server. */
export interface Server extends AsyncDisposable {
  /** The path it was asked to serve. */
  readonly path: string;
  /** The state of its pool. */
  readonly state: PoolState;
  readonly stats: ServerStats;
  /**
   * Tells a listener of every transition of the pool and of its connections from now on, until the function that it gives is
   * called. It must not throw; what it throws is reported. While nobody observes it costs nothing.
   */
  observe(listener: (transition: Transition) => void): () => void;
  /** Resolves when the server has ended, and says how. Never rejects. */
  readonly closed: Promise<ServerEnd>;
  /**
   * Gives the path up, serves what its backlog holds, lets running requests finish, and resolves when the server has
   * ended. After `drainTimeout` (default: the server's) it aborts what still runs. A second call may shorten it.
   */
  close(options?: { drainTimeout?: number }): Promise<void>;
}

/** How to start a server where none listens. Times are in milliseconds, sizes in bytes. */
export interface StartOptions {
  /**
   * The program and its arguments; no shell reads them. A program without a slash in its name is looked for in PATH, and
   * one with a slash is found from the caller's directory. Arguments are passed on as they are: files in them must be
   * absolute, or found from `cwd`.
   */
  command: readonly string[];
  /** The directory that it runs in. Default `/`: so it keeps no directory from being removed or unmounted. */
  cwd?: string;
  /** Variables beside those of this process; `undefined` takes one away. */
  env?: Readonly<Record<string, string | undefined>>;
  /** The file to which its stdout and stderr are added. Default: the path with `.log` behind it. */
  log?: string;
  /**
   * A log that is longer is set aside as `<log>.1` first, in place of what was that. A server of this library heeds it while
   * it runs, too. Where its end cannot be set aside, it grows to four times the limit, and is then cut, and says so. Default 1 MiB;
   * `Infinity` is allowed.
   */
  logLimit?: number;
  /** How long it may take until somebody listens, and how long another caller's start is waited for. Default 10,000. */
  timeout?: number;
  /** Ends the wait when it aborts, and what was started. */
  signal?: AbortSignal;
}

/** Who listens at the path now. */
export interface StartResult {
  /** This call ran the command. */
  readonly started: boolean;
  /** The process that serves; where it does not say so itself, the one that was started. */
  readonly pid: number | undefined;
}

/** A server as a client wants it. */
export interface ExpectedServer {
  program?: string;
  /**
   * A range of versions, such as `^1.4`, `~1.4.2`, `1.4` or `>=1.4 <3`; `||` stands between alternatives. Versions are those of
   * Semantic Versioning.
   */
  version?: string;
  /**
   * Has a server of that program with another version stop, and starts its successor: needs `start`. At most once a call, when the
   * command can be run, and never a server that this call has started. A server of another program is never stopped. What the
   * command will start cannot be known before: where that is the wrong version, each call ends what the call before it has
   * started. Default false.
   */
  replace?: boolean;
}

/** Options of `request`. Times are in milliseconds. */
export interface RequestOptions {
  /**
   * How long to wait for the server without any progress, in connecting, sending or receiving. Time in which the
   * answer waits for its reader does not count. Default 60,000; 0 waits for ever, as git does.
   */
  timeout?: number;
  /** How long everything may take, from the call to the last byte. Default 0: no limit. */
  deadline?: number;
  /** Gives up when it aborts. */
  signal?: AbortSignal;
  /**
   * Tries again, every 50, while the server refuses the connection or its backlog is full; `true` for 1,000, or a
   * number. Default false. (git: `wait_if_busy`.)
   * The request is held back for 1 ms after the connection, so that a server that has too many connections is seen to refuse
   * before anything was sent. One that refuses later ends in `SIMPLE_IPC_HUNG_UP`, unless the request is `idempotent`.
   */
  waitIfBusy?: boolean | number;
  /**
   * Tries again, every 50, while there is no socket, or nobody behind it; `true` for 1,000, or a number. Default false.
   * (git: `wait_if_not_found`.)
   */
  waitIfMissing?: boolean | number;
  /**
   * Connects even if the socket belongs to neither this user nor root, or stands in a directory that others can write:
   * whoever owns it sees the request and makes up the answer. Default false.
   */
  allowUntrusted?: boolean;
  /** Watches the call: see `simple-ipc/telemetry`. Default none. */
  telemetry?: Telemetry;
  /**
   * Starts a server when none listens, waits until it does, and then asks: the command, or all options of `start`. At most once
   * a call; any number of calls at once start one. Default none.
   */
  start?: StartOptions | readonly string[];
  /**
   * Who must be listening, by what the server was told that it is (`program` and `version` of `serve`): nothing is sent to any
   * other. Default: whoever it is.
   */
  expect?: ExpectedServer;
  /**
   * Asks again, at most three times, when the server hung up (`SIMPLE_IPC_HUNG_UP`) after the request was sent and before its
   * answer came: it may have been acted on, so say this of requests that may be acted on twice. Only for messages given whole.
   * With `waitIfBusy`, a connection that is reset is repeated as long as that lasts. The error is then the hang-up, and says how
   * often it was asked and what came after. With `start`, a server that dies of the request itself is started again at most once a
   * call. Default false.
   */
  idempotent?: boolean;
}

/**
 * git's states of a path (`enum ipc_active_state` in simple-ipc.h). `path-not-found` is what `request` meets where
 * `probe`, like git's `ipc_get_active_state`, says `not-listening`.
 */
export type ActiveState = 'listening' | 'not-listening' | 'invalid-path' | 'path-not-found' | 'other-error';

/** What `probe` found. */
export interface ProbeResult {
  readonly state: ActiveState;
  /** Why, in one sentence; for `listening` too, where it may be busy. */
  readonly cause: string;
  /** The system's error code behind it, such as `ENOENT`, `ECONNREFUSED` or `EAGAIN`. */
  readonly errno?: string;
}
