/** The public API: a Simple-IPC server and client runtime. See README.md. */
import type { DroppedEvents } from './control/watch.ts';
import type { Summary } from './control/summary-types.ts';
import type { ServerStatus, Stopped, StopOptions } from './control/types.ts';
import { request as requestObserved } from './runtime/client.ts';
import type { ControlOf } from './runtime/server.ts';
import type {
  Handler,
  IpcResponse,
  Message,
  ProbeResult,
  RequestOptions,
  ServeOptions,
  Server,
  StartOptions,
  StartResult,
  Telemetry,
  Transition,
} from './runtime/types.ts';
import { calls } from './telemetry/channels.ts';

export type {
  InstanceStatus,
  LiveStatus,
  ProcessState,
  ServerStatus,
  Stopped,
  StopOptions,
} from './control/types.ts';
export type { Latency, OpenState, SlowRequest, Summary } from './control/summary-types.ts';
export type { DroppedEvents } from './control/watch.ts';
export { type ErrorCode, SimpleIpcError } from './runtime/errors.ts';
export { QUIT } from './runtime/quit.ts';
export { networkFileSystemOf } from './runtime/rendezvous/network.ts';
export type {
  ActiveState,
  Answer,
  Body,
  Chunk,
  ConnectionOutput,
  ConnectionState,
  ExpectedServer,
  Handler,
  IpcRequest,
  IpcResponse,
  Message,
  PoolState,
  ProbeResult,
  RequestContext,
  RequestOptions,
  ServeOptions,
  Server,
  ServerEnd,
  ServerStats,
  StartOptions,
  StartResult,
  Telemetry,
  Transition,
} from './runtime/types.ts';

/**
 * Starts a Simple-IPC server at `path`: a Unix domain socket, or on Windows the named pipe that git's rule makes of it.
 * Resolves when it listens, and a client that finds the socket is answered. The socket is its owner's alone (0600). One
 * that a dead server left is replaced; one that is alive is left alone. git's counterpart is `ipc_server_run`.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_ADDRESS_IN_USE` when a server listens there; `SIMPLE_IPC_INVALID_PATH` when
 *   something else stands there; `SIMPLE_IPC_PATH_NOT_FOUND`, `SIMPLE_IPC_PATH_TOO_LONG`, `SIMPLE_IPC_PERMISSION_DENIED`,
 *   `SIMPLE_IPC_UNTRUSTED_PATH`, `SIMPLE_IPC_NETWORK_FILE_SYSTEM`, `SIMPLE_IPC_LOCKED`, `SIMPLE_IPC_LISTEN_FAILED`,
 *   `SIMPLE_IPC_INVALID_ARGUMENT`, `SIMPLE_IPC_ABORTED`: each message says what to do.
 */
export async function serve(path: string, handler: Handler, options: ServeOptions = {}): Promise<Server> {
  const { telemetry, ...given } = options;
  // Loaded when it is called: a client has no use for machines.
  const [{ serve: serveObserved }, { limitOwnLog }, observer] = await Promise.all([
    import('./runtime/server.ts'),
    import('./start/log-limit.ts'),
    published(telemetry),
  ]);
  const observed = { ...given, telemetry: observer };
  return serveObserved(path, handler, observed, { controlOf, log: limitOwnLog()?.file });
}

/**
 * Sends one request to the server at `path` and resolves with its response, as soon as the first byte of that has come.
 * Read it with `.text()`, `.bytes()` or `for await`. It ends with an answer that is whole, or with an error that says
 * why: half an answer is never passed off as one. It connects again only while no byte of the request was written, and
 * nothing was taken from a message that comes in pieces.
 * git's counterpart is `ipc_client_send_command`.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_PATH_NOT_FOUND`, `SIMPLE_IPC_NOT_LISTENING`, `SIMPLE_IPC_BUSY`,
 *   `SIMPLE_IPC_INVALID_PATH`, `SIMPLE_IPC_PERMISSION_DENIED`, `SIMPLE_IPC_PATH_TOO_LONG`, `SIMPLE_IPC_UNTRUSTED_PATH`,
 *   `SIMPLE_IPC_CONNECT_FAILED`, `SIMPLE_IPC_START_FAILED`, `SIMPLE_IPC_WRONG_SERVER`: nothing was sent.
 *   `SIMPLE_IPC_HUNG_UP`, `SIMPLE_IPC_PROTOCOL_ERROR`, `SIMPLE_IPC_TIMED_OUT`, `SIMPLE_IPC_DEADLINE_EXCEEDED`,
 *   `SIMPLE_IPC_ABORTED`: the server may have acted on it. `SIMPLE_IPC_INVALID_ARGUMENT`. An error that the message itself throws is passed on.
 */
export async function request(
  path: string,
  message?: Message,
  options: RequestOptions = {},
): Promise<IpcResponse> {
  const { telemetry } = options;
  const observed = {
    ...options,
    ...(calls.hasSubscribers ? { telemetry: await published(telemetry) } : undefined),
  };
  if (observed.start === undefined && observed.expect === undefined)
    return requestObserved(path, message, observed);
  const { callHooks } = await import('./start/request.ts');
  return requestObserved(path, message, observed, await callHooks(path, observed));
}

/** Loaded when somebody asks: the server is there earlier, and most are never asked. */
const controlOf: ControlOf = (server) => async (message, context) => {
  const endpoint = await import('./control/endpoint.ts');
  return endpoint.controlOf(server)(message, context);
};

/** What is observed is published on `node:diagnostics_channel` as well, where somebody listens. */
async function published(telemetry: Telemetry | undefined): Promise<Telemetry> {
  const { channelTelemetry } = await import('./telemetry/published.ts');
  if (telemetry === undefined) return channelTelemetry;
  const { combine } = await import('./telemetry/combine.ts');
  return combine(telemetry, channelTelemetry);
}

// What follows is loaded when it is called: a client that sends one request has no use for it.

/**
 * Whether a server listens at a path, in git's states, and why. It looks at what stands there, and if that is a socket,
 * connects, says nothing and hangs up; servers take no notice of that. Never waits longer than `timeout`
 * milliseconds (default 1,000), and rejects for nothing but a wrong argument.
 * From git's `ipc_get_active_state` (compat/simple-ipc/ipc-unix-socket.c).
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT` when the path cannot name a socket, or the time-out is no time.
 */
export async function probe(path: string, options?: { timeout?: number }): Promise<ProbeResult> {
  return (await import('./runtime/rendezvous/probe.ts')).probe(path, options);
}

/**
 * Starts a server where none listens at the path, apart from this process, and resolves when one does. Any number of callers, in
 * any number of processes, start one.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_START_FAILED` with the command's last words when it did not come to listen, and with what
 *   it left ended; `SIMPLE_IPC_INVALID_ARGUMENT`, `SIMPLE_IPC_ABORTED`; and what a request would meet where something else is
 *   wrong with the path than that nobody listens.
 */
export async function start(path: string, options: StartOptions): Promise<StartResult> {
  return (await import('./start/start.ts')).start(path, options);
}

/**
 * What is known of the server at a path: what it wrote down when it started, how its process is, and what its control
 * endpoint says now (`live`). It answers as well when the server hangs or is gone: `live` is null then, and `problem` says why.
 * Where nobody listens, it tells of a server that drains, or that has lost its path, and still lives.
 *
 * @param options.timeout - How long to wait for the server's own answer, in milliseconds. Default 5,000.
 * @throws {SimpleIpcError} What a request would meet where there is nothing to say: `SIMPLE_IPC_PATH_NOT_FOUND`,
 *   `SIMPLE_IPC_NOT_LISTENING`, ...; `SIMPLE_IPC_NO_CONTROL` for a server that is not of this library;
 *   `SIMPLE_IPC_UNTRUSTED_PATH`, `SIMPLE_IPC_PERMISSION_DENIED` where what it wrote can't be trusted, or not be read.
 */
export async function status(path: string, options?: { timeout?: number }): Promise<ServerStatus> {
  return (await import('./control/status.ts')).status(path, options);
}

/**
 * Has the server at a path stop, as its `close` does, and resolves when it has, with nothing of it left beside the socket. Where
 * none is running it resolves as well, and takes away what a killed one left. After a takeover `draining` has the processes that still
 * serve what had come to them.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_STOP_FAILED` when it has not stopped within `timeout`, or with `force` when it is not
 *   proved to be that server's process; `SIMPLE_IPC_NO_CONTROL` for a server that is not of this library; what `status` throws.
 */
export async function stop(path: string, options?: StopOptions): Promise<Stopped> {
  return (await import('./control/stop.ts')).stop(path, options);
}

/**
 * Sums up what the server at a path does, once each `interval` milliseconds (default 1,000), until it ends: the last summary has
 * its `end`. It takes a control endpoint, and costs the server something only while it is iterated.
 *
 * @throws {SimpleIpcError} As `status`; `SIMPLE_IPC_TIMED_OUT` when the server hangs.
 */
export async function* watch(
  path: string,
  options?: { interval?: number; signal?: AbortSignal },
): AsyncGenerator<Summary, void, void> {
  yield* (await import('./control/watch.ts')).watch(path, options);
}

/**
 * Every transition of the server at a path, as it happens, until it ends. Where they come faster than they are read, the server
 * drops some, and says how many in their place.
 *
 * @throws {SimpleIpcError} As `status`.
 */
export async function* events(
  path: string,
  options?: { signal?: AbortSignal },
): AsyncGenerator<Transition | DroppedEvents, void, void> {
  yield* (await import('./control/watch.ts')).events(path, options);
}
