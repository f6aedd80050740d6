import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { request, serve } from 'simple-ipc';
import { pipeNameOf, temporaryPath, within } from './support.js';

// Windows pipes know no half-close. What libuv makes of it: it waits 50 ms for the peer to hang up, and then does itself.
const path = temporaryPath();
const server = await serve(path, async (incoming) => {
  const text = await incoming.text();
  return text === 'slow' ? sleep(500, 'late') : `got ${text}`;
});

async function halfClosing(text) {
  const socket = connect({ path: pipeNameOf(path), allowHalfOpen: true });
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk) => (received += chunk));
  socket.end(text);
  await within(once(socket, 'close'), 'the connection ends');
  return received;
}

assert.equal(await halfClosing('0008ping0000'), '000cgot ping0000');
assert.equal(server.stats.ended.answered, 1);
assert.equal(await halfClosing('0008slow0000'), '');
assert.equal(server.stats.ended['hung-up'], 1);

// The client of this library does not half-close, and waits as long as it takes.
assert.equal(await (await request(path, 'slow')).text(), 'late');
await server.close();
assert.equal(server.stats.ended.answered, 2);
