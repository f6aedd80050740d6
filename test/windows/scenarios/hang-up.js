import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, serve } from 'simple-ipc';
import { beside, start, temporaryPath, within } from './support.js';

const path = temporaryPath();
let running = Promise.withResolvers();
let aborted = Promise.withResolvers();
const server = await serve(path, async function* (incoming, { signal }) {
  signal.addEventListener('abort', () => aborted.resolve(signal.reason));
  running.resolve();
  if ((await incoming.text()) === 'begin') yield 'the first piece';
  await once(signal, 'abort');
});

// A client in this process that has enough of the answer.
const response = await request(path, 'begin');
await within(running.promise, 'the handler runs');
response.cancel();
assert.equal((await within(aborted.promise, "the handler's signal aborts")).code, 'SIMPLE_IPC_HUNG_UP');

// One that is waiting for its first byte, and gives up.
running = Promise.withResolvers();
aborted = Promise.withResolvers();
const giveUp = new AbortController();
const asked = request(path, 'wait', { signal: giveUp.signal });
await within(running.promise, 'the handler runs');
giveUp.abort();
await assert.rejects(asked, { code: 'SIMPLE_IPC_ABORTED' });
assert.equal((await within(aborted.promise, "the handler's signal aborts")).code, 'SIMPLE_IPC_HUNG_UP');

// One whose process is ended.
running = Promise.withResolvers();
aborted = Promise.withResolvers();
const client = start(beside('client.js'), path, 'wait');
await within(running.promise, 'the handler runs');
client.child.kill('SIGKILL');
await client.ended();
assert.equal((await within(aborted.promise, "the handler's signal aborts")).code, 'SIMPLE_IPC_HUNG_UP');

await server.close();
assert.equal(server.stats.ended['hung-up'] ?? 0, 3, JSON.stringify(server.stats.ended));
