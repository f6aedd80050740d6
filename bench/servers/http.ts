/** node:http, whose connections are kept alive. */
import { createServer } from 'node:http';

import { peerServer } from '../peers/server.ts';

const { path, answer, served, listening } = peerServer();
const headers = { 'content-type': 'application/octet-stream', 'content-length': answer.byteLength };

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    // A client of the bench opens its connection with a HEAD request.
    if (request.method === 'POST') served();
    response.writeHead(200, headers).end(answer);
  });
});
server.listen(path, () => listening(process.version));
