import { createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { temporaryPath } from './temporary.ts';

/** A server that does exactly what it is told with each connection. Gives its path. */
export async function rawServer(t: ExecutionContext, serve: (socket: Socket) => void): Promise<string> {
  const path = temporaryPath(t);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return path;
}
