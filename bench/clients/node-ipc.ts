/** node-ipc with its messages: they have no ids, so one request at a time. */
import nodeIpc from 'node-ipc';

import { firstByteOf } from '../peers/first-byte.ts';
import { textOf } from '../peers/text.ts';
import type { Client } from '../run/client.ts';

export const connectionPerRequest = false;

export async function connect(path: string): Promise<Client> {
  const ipc = new nodeIpc.IPC();
  ipc.config.silent = true;
  ipc.config.stopRetrying = true;
  const server = await new Promise<(typeof ipc.of)[string]>((resolve) => {
    ipc.connectTo('server', path, () => resolve(ipc.of['server']!));
  });

  // What is waited for: first the connection, then the answer to each request.
  let pending = Promise.withResolvers<unknown>();
  server.on('connect', () => pending.resolve(undefined));
  server.on('answer', (answer) => pending.resolve(answer));
  server.on('error', (cause) => pending.reject(new Error('node-ipc failed.', { cause })));
  server.on('disconnect', () => pending.reject(new Error('The server closed the connection.')));
  await pending.promise;

  const expect = firstByteOf(server.socket);
  return {
    async request(bytes, marks) {
      if (server.socket.destroyed) throw new Error('The server closed the connection.');
      pending = Promise.withResolvers();
      expect(marks);
      server.emit('ask', textOf(bytes));
      return ((await pending.promise) as string).length;
    },
    close: () => ipc.disconnect('server'),
  };
}
