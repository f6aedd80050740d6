/** The public API: a Simple-IPC server and client runtime. See README.md. */
export { type ErrorCode, SimpleIpcError } from './runtime/errors.ts';
export { QUIT } from './runtime/quit.ts';
export { probe } from './runtime/rendezvous/probe.ts';
export { request } from './runtime/client.ts';
export { serve } from './runtime/server.ts';
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
