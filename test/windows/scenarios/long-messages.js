import assert from 'node:assert/strict';
import { request } from 'simple-ipc';
import { beside, pattern, start, temporaryPath } from './support.js';

const SIZE = 64 * 1024 * 1024;

const path = temporaryPath();
const server = start(beside('server.js'), path);
await server.says('listening');
const sent = pattern(SIZE);

// Held by the server, and sent back.
const received = await (await request(path, sent)).bytes();
assert.equal(received.length, SIZE);
assert.ok(sent.equals(received), 'every byte is where it was');

await request(path, 'quit').then((response) => response.text());
assert.equal((await server.ended()).code, 0);
