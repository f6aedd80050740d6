/** vscode-jsonrpc, a message connection on each socket. (Its own pipe transport takes one connection only.) */
import { createServer } from 'node:net';

import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';

import { ask } from '../peers/json-rpc.ts';
import { peerServer, versionOf } from '../peers/server.ts';
import { textOf } from '../peers/text.ts';

const { path, answer, served, listening } = peerServer();
const text = textOf(answer);

const server = createServer((socket) => {
  const connection = createMessageConnection(
    new SocketMessageReader(socket),
    new SocketMessageWriter(socket),
  );
  connection.onRequest(ask, () => {
    served();
    return text;
  });
  connection.onClose(() => connection.dispose());
  connection.listen();
});
server.listen(path, () => listening(versionOf('vscode-jsonrpc')));
