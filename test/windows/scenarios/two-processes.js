import assert from 'node:assert/strict';
import { probe, request } from 'simple-ipc';
import { beside, start, temporaryPath } from './support.js';

const path = temporaryPath();
const server = start(beside('server.js'), path);
await server.says('listening');
assert.equal((await probe(path)).state, 'listening');
for (const text of ['', 'ping', 'x'.repeat(200_000)]) {
  assert.equal(await (await request(path, text)).text(), text);
}

// QUIT ends the server, and with it its process and the pipe.
assert.equal(await (await request(path, 'quit')).text(), '');
const { code, out } = await server.ended();
assert.equal(code, 0);
// Three messages and QUIT; the probe.
assert.match(out, /^ended: quit, .*"answered":4,"pinged":1,"hung-up":0,/m);
assert.equal((await probe(path)).state, 'not-listening');
