/** vscode-jsonrpc, one request at a time on a connection. */
import { once } from 'node:events';
import { createConnection } from 'node:net';

import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';

import { firstByteOf } from '../peers/first-byte.ts';
import { ask } from '../peers/json-rpc.ts';
import { textOf } from '../peers/text.ts';
import type { Client } from '../run/client.ts';

export const connectionPerRequest = false;

export async function connect(path: string): Promise<Client> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  const connection = createMessageConnection(
    new SocketMessageReader(socket),
    new SocketMessageWriter(socket),
  );
  // Else what is pending would pend forever.
  connection.onClose(() => connection.dispose());
  connection.listen();
  const expect = firstByteOf(socket);
  return {
    async request(bytes, marks) {
      expect(marks);
      const answer = await connection.sendRequest(ask, textOf(bytes));
      return answer.length;
    },
    close: () => connection.dispose(),
  };
}
