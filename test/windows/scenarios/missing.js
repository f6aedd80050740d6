import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { probe, request, serve } from 'simple-ipc';
import { temporaryPath } from './support.js';

// Nobody has a pipe of that name.
const path = temporaryPath();
const { state, errno, cause } = await probe(path);
assert.equal(state, 'not-listening');
assert.equal(errno, 'ENOENT');
assert.match(cause, /nothing/);
await assert.rejects(request(path, 'ping'), { code: 'SIMPLE_IPC_PATH_NOT_FOUND' });

// A file is no pipe, and is in nobody's way.
writeFileSync(path, 'a file');
assert.equal((await probe(path)).state, 'not-listening');
const server = await serve(path, () => 'pong');
assert.equal((await probe(path)).state, 'listening');
assert.equal(await (await request(path, 'ping')).text(), 'pong');
await server.close();
assert.equal((await probe(path)).state, 'not-listening');

// A directory that is not there.
assert.equal((await probe(temporaryPath('no\\such\\place'))).state, 'not-listening');

// It comes while a client waits for it.
const waiting = request(path, 'ping', { waitIfMissing: 20_000 });
const late = await serve(path, () => 'at last');
assert.equal(late.state, 'accepting');
assert.equal(await (await waiting).text(), 'at last');
await late.close();
