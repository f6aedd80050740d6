import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from 'simple-ipc';
import { beside, pipeNameOf, start, temporaryPath } from './support.js';

const PIECE = 100_000;
const PIECES = 100;

const path = temporaryPath();
const server = await serve(path, async (request) => {
  const text = await request.text();
  if (text === 'whole') return Buffer.alloc(PIECE * PIECES);
  if (text === 'slow') return sleep(300, 'pong');
  return pieces();
});
function* pieces() {
  for (let number = 0; number < PIECES; number++) yield Buffer.alloc(PIECE);
}

const ask = async (text) => (await start(beside('c-client.js'), pipeNameOf(path), text).ended()).out.trim();
assert.equal(await ask('slow'), '4 flush');
assert.equal(await ask('whole'), `${PIECE * PIECES} flush`);
assert.equal(await ask('pieces'), `${PIECE * PIECES} flush`);
await server.close();
assert.equal(server.stats.ended.answered, 3, JSON.stringify(server.stats.ended));
