import assert from 'node:assert/strict';
import { probe, request, serve } from 'simple-ipc';
import { beside, start, temporaryPath } from './support.js';

// Windows lets nobody have a second pipe of a name; Wine does. So it is looked at first whether one answers.
const path = temporaryPath();
const server = await serve(path, () => 'the first');
await assert.rejects(
  serve(path, () => 'the second'),
  { code: 'SIMPLE_IPC_ADDRESS_IN_USE' },
);
const other = await start(beside('server.js'), path).ended();
assert.equal(other.code, 1);
assert.match(other.err, /SIMPLE_IPC_ADDRESS_IN_USE/);
assert.equal(await (await request(path)).text(), 'the first');
await server.close();

// Of many that start at once, one listens.
const starters = Array.from({ length: 5 }, () => start(beside('server.js'), path));
const outcomes = starters.map(async (starter) => {
  await starter.says('listening').catch(() => undefined);
  return starter.child.exitCode ?? 'listening';
});
const listening = (await Promise.all(outcomes)).filter((outcome) => outcome === 'listening');
assert.equal(listening.length, 1);
assert.equal(await (await request(path, 'quit')).text(), '');
const codes = (await Promise.all(starters.map((starter) => starter.ended()))).map(({ code }) => code);
assert.deepEqual(codes.toSorted(), [0, 1, 1, 1, 1]);

// One that was killed leaves nothing that keeps the next away.
const killed = start(beside('server.js'), path);
await killed.says('listening');
killed.child.kill('SIGKILL');
await killed.ended();
assert.equal((await probe(path)).state, 'not-listening');
const next = await serve(path, () => 'the next');
assert.equal(await (await request(path)).text(), 'the next');
await next.close();
