/** Of node-ipc, which has no types, what the bench uses. */
declare module 'node-ipc' {
  import type { Socket } from 'node:net';

  interface Config {
    silent: boolean;
    maxConnections: number;
    stopRetrying: boolean;
  }

  interface IpcServer {
    on(type: string, handler: (data: unknown, socket: Socket) => void): void;
    emit(socket: Socket, type: string, data: unknown): void;
    start(): void;
  }

  interface IpcClient {
    readonly socket: Socket;
    on(type: string, handler: (data: unknown) => void): void;
    emit(type: string, data: unknown): void;
  }

  class IPC {
    readonly config: Config;
    readonly of: Record<string, IpcClient>;
    readonly server: IpcServer;
    serve(path: string, listening: () => void): void;
    connectTo(id: string, path: string, made: () => void): void;
    disconnect(id: string): void;
  }

  class IpcModule extends IPC {
    readonly IPC: typeof IPC;
  }

  const ipc: IpcModule;
  export default ipc;
}
