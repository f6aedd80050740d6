import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import test from 'ava';

import { request, type Telemetry } from '../../src/index.ts';
import { connectError } from '../../src/runtime/rendezvous/connect-error.ts';
import { callHooks } from '../../src/start/request.ts';
import { message, packet } from '../support/raw-client.ts';
import { rawServer } from '../support/raw-server.ts';
import { eventually, serving, within } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';
import { isRunning, serversAt } from './servers.ts';

test('a request starts the server that it asks, and the next one asks it', async (t) => {
  const { path, command, pids } = serversAt(t);
  t.is(await (await request(path, 'who', { start: command() })).text(), String(pids()[0]));
  t.is(await (await request(path, 'who', { start: { command: command() } })).text(), String(pids()[0]));
  t.is(pids().length, 1);
});

test('a message in pieces is sent to a server that it has started', async (t) => {
  const { path, command, pids } = serversAt(t);
  const asked = await request(path, ['w', 'ho'], { start: command() });
  t.is(await asked.text(), String(pids()[0]));
});

test('the start is within the call’s one span: it is connecting', async (t) => {
  const { path, command } = serversAt(t);
  const seen: string[] = [];
  const telemetry: Telemetry = {
    server: () => ({ connection: () => undefined }),
    call: () => {
      seen.push('call');
      return {
        trailer: () => undefined,
        state: (state) => void seen.push(state),
        ended: (_at, error) => void seen.push(error === undefined ? 'ended' : error.message),
      };
    },
  };
  await (await request(path, 'who', { start: command(), telemetry })).text();
  t.deepEqual(
    seen.filter((what, index) => what !== seen[index - 1]),
    ['call', 'connecting', 'sending-request', 'awaiting-response', 'reading-response', 'ended'],
  );
});

test('a start that fails is what the call ends with', async (t) => {
  const { path, command } = serversAt(t);
  await t.throwsAsync(request(path, 'who', { start: command('exit', 'no database') }), {
    code: 'SIMPLE_IPC_START_FAILED',
    message: /exited with code 3 [^]*no database/,
  });
});

test('the deadline holds while a server is started, and ends it', async (t) => {
  const { path, command, pids, allGone } = serversAt(t);
  await t.throwsAsync(request(path, 'who', { start: command('hang'), deadline: 4_000 }), {
    code: 'SIMPLE_IPC_DEADLINE_EXCEEDED',
  });
  t.is(pids().length, 1);
  await allGone();
});

test('so do the signal of the request, and that of the start', async (t) => {
  for (const which of ['request', 'start'] as const) {
    const { path, command, pids, allGone } = serversAt(t);
    const controller = new AbortController();
    const { signal } = controller;
    const asking = request(path, 'who', {
      start: { command: command('hang'), ...(which === 'start' ? { signal } : {}) },
      ...(which === 'request' ? { signal } : {}),
    });
    await eventually(() => pids().length === 1, 'it runs');
    controller.abort();
    await t.throwsAsync(within(asking, 'it goes on'), { code: 'SIMPLE_IPC_ABORTED' });
    await allGone();
  }
});

test('one start a call: a second absence is an error', async (t) => {
  const { path, command, pids, allGone } = serversAt(t);
  const { whenMissing } = await callHooks(path, { start: command() });
  const { signal } = new AbortController();
  const absent = (errno: string) => connectError(Object.assign(new Error(errno), { code: errno }), path);
  await whenMissing!(absent('ENOENT'), signal);
  process.kill(pids()[0]!, 'SIGKILL');
  await allGone();
  const second = absent('ECONNREFUSED');
  t.is(await t.throwsAsync(whenMissing!(second, signal)), second);
  t.is(pids().length, 1);
});

test('only absence leads to a start', async (t) => {
  const { path, command, pids } = serversAt(t);
  writeFileSync(path, '');
  await t.throwsAsync(request(path, 'who', { start: command() }), { code: 'SIMPLE_IPC_INVALID_PATH' });
  const closes = await rawServer(t, (socket) => socket.destroy());
  await t.throwsAsync(request(closes, 'who', { start: command() }));
  t.deepEqual(pids(), []);
});

test('a wrong option is told though a server listens', async (t) => {
  const { path } = await serving(t, () => 'x');
  await t.throwsAsync(request(path, 'x', { start: [] }), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
  await t.throwsAsync(request(path, 'x', { start: { command: ['x'], timeout: 0 } }), {
    code: 'SIMPLE_IPC_INVALID_ARGUMENT',
  });
  t.is(await (await request(path, 'x', { start: ['x'] })).text(), 'x');
});

// ---- Idempotent requests.

/** A server that hangs up on the first `times` requests, and then answers. */
async function hangingUp(t: Parameters<typeof rawServer>[0], times: number, first = '') {
  let asked = 0;
  const path = await rawServer(t, (socket) => {
    socket.once('data', () => {
      asked++;
      socket.end(asked > times ? message('answer') : first);
    });
  });
  return { path, asked: () => asked };
}

test('an idempotent request that is cut off is asked again, three times', async (t) => {
  const three = await hangingUp(t, 3);
  t.is(await (await request(three.path, 'x', { idempotent: true })).text(), 'answer');
  t.is(three.asked(), 4);
  const four = await hangingUp(t, 4);
  await t.throwsAsync(request(four.path, 'x', { idempotent: true }), {
    code: 'SIMPLE_IPC_HUNG_UP',
    message: /closed the connection before its answer was complete.* It was asked 4 times\.$/,
  });
  t.is(four.asked(), 4);
  const empty = await hangingUp(t, 1);
  t.is(await (await request(empty.path, undefined, { idempotent: true })).text(), 'answer');
});

test('another is not', async (t) => {
  const { path, asked } = await hangingUp(t, 1);
  await t.throwsAsync(request(path, 'x'), { code: 'SIMPLE_IPC_HUNG_UP' });
  t.is(asked(), 1);
});

test('nor one in pieces, which are gone', async (t) => {
  const { path, asked } = await hangingUp(t, 1);
  await t.throwsAsync(request(path, ['x'], { idempotent: true }), { code: 'SIMPLE_IPC_HUNG_UP' });
  t.is(asked(), 1);
});

test('nor one whose answer has begun', async (t) => {
  const { path, asked } = await hangingUp(t, 1, packet('half'));
  await t.throwsAsync(
    request(path, 'x', { idempotent: true }).then((answer) => answer.text()),
    { code: 'SIMPLE_IPC_HUNG_UP' },
  );
  t.is(asked(), 1);
});

test('the deadline holds for all of it', async (t) => {
  const { path } = await hangingUp(t, 4);
  await t.throwsAsync(request(path, 'x', { idempotent: true, deadline: 75 }), {
    code: 'SIMPLE_IPC_DEADLINE_EXCEEDED',
  });
});

test('an idempotent request starts the server again that was killed with it', async (t) => {
  const { path, command, pids } = serversAt(t, temporaryPath(t));
  await (await request(path, 'who', { start: command() })).text();
  const asking = request(path, 'die', { start: command(), idempotent: true });
  const answer = await (await asking).text();
  t.is(pids().length, 2);
  t.false(isRunning(pids()[0]!));
  t.is(answer, String(pids()[1]));
});

test('one that was sent is not told to have been sent nowhere, whatever comes after', async (t) => {
  const path = temporaryPath(t);
  const server = createServer((socket) => {
    server.close();
    socket.once('data', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await t.throwsAsync(request(path, 'x', { idempotent: true }), {
    code: 'SIMPLE_IPC_HUNG_UP',
    message: /It was asked once; then: There is nothing at/,
  });
  const { path: failing, command, pids } = serversAt(t);
  await (await request(failing, 'who', { start: command() })).text();
  await t.throwsAsync(request(failing, 'die', { start: ['false'], idempotent: true }), {
    code: 'SIMPLE_IPC_HUNG_UP',
    message: /It was asked once; then: The command .* exited with code 1/,
  });
  t.is(pids().length, 1);
});
