import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { request, serve, status, stop, watch } from 'simple-ipc';
import { beside, eventually, start, temporaryPath, within } from './support.js';

const path = temporaryPath();
// What stands beside a pipe is kept in the temporary directory: here it is this test's own, for its processes as well.
process.env.TEMP = process.env.TMP = dirname(path);
const sidecars = join(tmpdir(), 'simple-ipc');
const nothingIsLeft = () => eventually(() => readdirSync(sidecars).length === 0, `${sidecars} is empty`);

const server = await serve(path, () => 'pong', { control: true, program: 'the test', version: '1.2.3' });
assert.equal(await (await request(path)).text(), 'pong');

const told = await status(path);
assert.equal(told.problem, null);
assert.equal(told.process, 'running');
assert.equal(told.pid, process.pid);
assert.equal(told.program, 'the test');
assert.equal(told.socket, null);
assert.equal(told.live.state, 'accepting');
assert.equal(told.live.stats.ended.answered, 1);
// A pipe's names are without case, and so is a path's.
assert.equal((await status(path.toUpperCase())).pid, process.pid);

for await (const summary of watch(path, { interval: 50 })) {
  assert.equal(summary.state, 'accepting');
  break;
}

const stopped = await stop(path);
assert.deepEqual([stopped.wasRunning, stopped.ended], [true, 'closed']);
assert.deepEqual(await within(server.closed, 'the server ends'), { reason: 'closed' });
await nothingIsLeft();

// A server in another process.
const other = start(beside('server.js'), path);
await other.says('listening');
const { pid, problem } = await status(path);
assert.deepEqual([pid, problem], [other.child.pid, null]);
assert.deepEqual(await stop(path), {
  wasRunning: true,
  pid,
  ended: 'closed',
  aborted: 0,
  draining: [],
  killedBy: undefined,
});
assert.equal((await other.ended()).code, 0);
await nothingIsLeft();

// One that was killed is seen to be gone, and cleared away.
const killed = start(beside('server.js'), path);
await killed.says('listening');
killed.child.kill('SIGKILL');
await killed.ended();
assert.equal((await status(path)).process, 'gone');
assert.equal((await stop(path)).wasRunning, false);
await nothingIsLeft();
