/** node-ipc with its messages, which are JSON, and bytes in it as a string: its raw buffers have no framing. */
import ipc from 'node-ipc';

import { peerServer, versionOf } from '../peers/server.ts';
import { textOf } from '../peers/text.ts';

const { path, answer, served, listening } = peerServer();
const text = textOf(answer);

ipc.config.silent = true;
// 100 is the default.
ipc.config.maxConnections = Infinity;
ipc.serve(path, () => listening(versionOf('node-ipc')));
ipc.server.on('ask', (_request, socket) => {
  served();
  ipc.server.emit(socket, 'answer', text);
});
ipc.server.start();
