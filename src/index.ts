import { request as requestObserved } from './runtime/client.ts';
import { serve as serveObserved } from './runtime/server.ts';
import type {
  Handler,
  IpcResponse,
  Message,
  RequestOptions,
  ServeOptions,
  Server,
  Telemetry,
} from './runtime/types.ts';
import { channelTelemetry } from './telemetry/channels.ts';
import { combine } from './telemetry/combine.ts';

/** The public API: a Simple-IPC server and client runtime. See README.md. */
export { type ErrorCode, SimpleIpcError } from './runtime/errors.ts';
export { QUIT } from './runtime/quit.ts';
export { probe } from './runtime/rendezvous/probe.ts';
export type {
  ActiveState,
  Answer,
  Body,
  Chunk,
  ConnectionOutput,
  ConnectionState,
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
  return serveObserved(path, handler, { ...options, telemetry: published(options.telemetry) });
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
 *   `SIMPLE_IPC_CONNECT_FAILED`: nothing was sent. `SIMPLE_IPC_HUNG_UP`, `SIMPLE_IPC_PROTOCOL_ERROR`,
 *   `SIMPLE_IPC_TIMED_OUT`, `SIMPLE_IPC_DEADLINE_EXCEEDED`, `SIMPLE_IPC_ABORTED`: the server may have acted on it.
 *   `SIMPLE_IPC_INVALID_ARGUMENT`. An error that the message itself throws is passed on.
 */
export async function request(
  path: string,
  message?: Message,
  options: RequestOptions = {},
): Promise<IpcResponse> {
  return requestObserved(path, message, { ...options, telemetry: published(options.telemetry) });
}

/** What is observed is published on `node:diagnostics_channel` as well, where somebody listens. */
function published(telemetry: Telemetry | undefined): Telemetry {
  return telemetry === undefined ? channelTelemetry : combine(telemetry, channelTelemetry);
}
