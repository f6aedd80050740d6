import assert from 'node:assert/strict';
import { probe, request, serve } from 'simple-ipc';
import { temporaryPath } from './support.js';

const path = temporaryPath();
const server = await serve(path, async (incoming) => {
  const text = await incoming.text();
  if (text === 'fail') throw new Error('on purpose');
  return `got ${text}`;
});
assert.equal(server.path, path);
assert.equal((await probe(path)).state, 'listening');

assert.equal(await (await request(path, 'ping')).text(), 'got ping');
assert.equal(await (await request(path)).text(), 'got ');
assert.equal(await (await request(path, 'pieces of eight'.split(' '))).text(), 'got piecesofeight');
await assert.rejects(
  request(path, 'fail').then((response) => response.text()),
  { code: 'SIMPLE_IPC_HUNG_UP' },
);
assert.equal(await (await request(path, 'after')).text(), 'got after');

await server.close();
assert.equal(server.state, 'stopped');
assert.deepEqual(await server.closed, { reason: 'closed' });
assert.equal(server.stats.ended.answered, 4);
assert.equal((await probe(path)).state, 'not-listening');

// The name is free again at once.
const successor = await serve(path, () => 'successor');
assert.equal(successor.state, 'accepting');
assert.equal(await (await request(path, 'ping')).text(), 'successor');
await successor.close();
