import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { request, serve, SimpleIpcError } from 'simple-ipc';
import { beside, eventually, pipeNameOf, start, temporaryPath, within } from './support.js';

const path = temporaryPath();
const asked = Promise.withResolvers();
const broken = Promise.withResolvers();
const server = await serve(
  path,
  async (incoming) => {
    // The window is 8 bytes: a longer request comes as it arrives.
    let text = '';
    try {
      for await (const chunk of incoming) {
        text += Buffer.from(chunk).toString('latin1');
        if (text.startsWith('sixteen')) asked.resolve();
      }
    } catch (error) {
      broken.resolve(error);
      throw error;
    }
    return text === 'big' ? Buffer.alloc(16 * 1024 * 1024) : 'pong';
  },
  { readTimeout: 2_000, writeTimeout: 300, window: 8 },
);

// It sends half a request, and then nothing.
const half = connect(pipeNameOf(path)).on('error', () => undefined);
half.write('0008pi');
await within(once(half, 'close'), 'the server ends a client that does not go on');
assert.equal(server.stats.ended['timed-out'], 1, JSON.stringify(server.stats.ended));

// It asks for much, and reads nothing of it.
const deaf = connect(pipeNameOf(path)).on('error', () => undefined);
deaf.write('0007big0000');
await eventually(
  () => server.stats.ended['timed-out'] === 2,
  `it is timed out: ${JSON.stringify(server.stats.ended)}`,
);
deaf.destroy();

// Its process is killed in the middle of a request that is being handled already.
const dying = start(beside('raw-client.js'), pipeNameOf(path), '0014sixteen bytes...');
await within(asked.promise, 'the handler runs');
dying.child.kill('SIGKILL');
await dying.ended();
assert.ok((await within(broken.promise, 'the handler hears of it')) instanceof SimpleIpcError);

// All others are served as before.
assert.equal(await (await request(path, 'ping')).text(), 'pong');
await server.close();
assert.equal(server.stats.ended['hung-up'], 1, JSON.stringify(server.stats.ended));
