import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { probe, request, start as startServer } from 'simple-ipc';
import { beside, COMMAND, eventually, start, temporaryPath } from './support.js';

const path = temporaryPath();
const command = [process.execPath, COMMAND, 'serve', path];

// Of clients in several processes that start it at once, one does; it outlives them all.
const starters = Array.from({ length: 3 }, () => start(beside('starter.js'), path));
const results = (await Promise.all(starters.map((starter) => starter.ended()))).map(({ code, out, err }) => {
  assert.equal(code, 0, err);
  return JSON.parse(out);
});
assert.equal(results.filter(({ started }) => started).length, 1, JSON.stringify(results));
assert.equal(new Set(results.map(({ pid }) => pid)).size, 1);
assert.equal(await (await request(path, 'ping')).text(), 'pong');
assert.match(readFileSync(`${path}.log`, 'utf8'), /Listening at /);
assert.deepEqual(await startServer(path, { command }), { started: false, pid: results[0].pid });
await request(path, 'quit').then((response) => response.text());
await eventually(async () => (await probe(path)).state === 'not-listening', 'the server ends');

// One that cannot be started says why.
const broken = [process.execPath, '-e', "console.error('no luck'); process.exit(4)"];
await assert.rejects(startServer(path, { command: broken }), ({ code, message }) => {
  assert.equal(code, 'SIMPLE_IPC_START_FAILED');
  assert.match(message, /exited with code 4/);
  assert.match(message, /no luck/);
  return true;
});
await assert.rejects(startServer(path, { command: ['C:\\no\\such.exe'] }), {
  code: 'SIMPLE_IPC_START_FAILED',
});
