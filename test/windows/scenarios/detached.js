import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { probe, request } from 'simple-ipc';
import { beside, eventually, start, temporaryPath } from './support.js';

const path = temporaryPath();
const log = temporaryPath('server.log');
const parent = start(beside('detaching.js'), path, log);
const { code, out, err } = await parent.ended();
assert.equal(code, 0, err);
const pid = Number(out);

// The parent is gone, and the server serves.
assert.throws(() => process.kill(parent.child.pid, 0), { code: 'ESRCH' });
assert.equal(process.kill(pid, 0), true);
assert.equal(await (await request(path, 'ping')).text(), 'pong');
assert.ok(existsSync(log));
assert.match(readFileSync(log, 'utf8'), /Listening at /);

assert.equal(await (await request(path, 'quit')).text(), '');
const isGone = () => {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
};
await eventually(isGone, 'the server ends');
assert.equal((await probe(path)).state, 'not-listening');
