import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { request, serve, type ExpectedServer, type StartOptions } from '../../src/index.ts';
import { leaveStaleSocket, listenAt } from '../support/rendezvous.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';
import { instanceAt } from '../../src/runtime/rendezvous/instances.ts';
import { isRunning, serversAt } from './servers.ts';

const ask = async (path: string, expect: ExpectedServer) => (await request(path, 'who', { expect })).text();

test('the right program in the right version is asked', async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => 'me', { program: 'app', version: '1.4.2' });
  t.teardown(() => server.close());
  t.is(await ask(path, { program: 'app' }), 'me');
  t.is(await ask(path, { version: '^1.4' }), 'me');
  t.is(await ask(path, { program: 'app', version: '1.4.2' }), 'me');
});

test('any other is not, and says who it is', async (t) => {
  const path = temporaryPath(t);
  let asked = 0;
  const server = await serve(path, () => String(++asked), { program: 'app', version: '1.4.2' });
  t.teardown(() => server.close());
  for (const expect of [{ program: 'other' }, { program: 'app', version: '^2' }, { version: '<1.4' }]) {
    await t.throwsAsync(ask(path, expect), {
      code: 'SIMPLE_IPC_WRONG_SERVER',
      message: /is another: it is app 1\.4\.2, and .* is expected\. Nothing was sent/,
    });
  }
  t.is(asked, 0);
  t.is(server.stats.ended.answered, 0);
});

test('a server without a version, and one that says nothing of itself', async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => 'me', { program: 'app' });
  t.teardown(() => server.close());
  await t.throwsAsync(ask(path, { program: 'app', version: '*' }), {
    code: 'SIMPLE_IPC_WRONG_SERVER',
    message: /app without a version, and app \* is expected/,
  });
  const other = join(temporaryDirectory(t), 'other.sock');
  await listenAt(t, other, createServer());
  await t.throwsAsync(ask(other, { program: 'app' }), {
    code: 'SIMPLE_IPC_WRONG_SERVER',
    message: /says nothing of itself, and app is expected/,
  });
});

test('where nobody listens, that is the error', async (t) => {
  const path = temporaryPath(t);
  await t.throwsAsync(ask(path, { program: 'app' }), { code: 'SIMPLE_IPC_PATH_NOT_FOUND' });
  await leaveStaleSocket(path);
  await t.throwsAsync(ask(path, { program: 'app' }), { code: 'SIMPLE_IPC_NOT_LISTENING' });
});

test('what is no expectation is refused', async (t) => {
  const path = temporaryPath(t);
  for (const expect of [{}, { version: 'new' }, { version: '1', replace: true }]) {
    await t.throwsAsync(ask(path, expect), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
  }
});

test('another version is replaced, by any number of clients once', async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => 'old', { program: 'app', version: '1.4.2', control: true });
  t.teardown(() => server.close());
  const { command, pids } = serversAt(t, path);
  const expect = { program: 'app', version: '^2', replace: true };
  const answers = await Promise.all(
    Array.from({ length: 10 }, async () =>
      (await request(path, 'who', { expect, start: command('as', 'app@2.0.1') })).text(),
    ),
  );
  t.deepEqual(new Set(answers), new Set(['app 2.0.1']));
  t.deepEqual(await server.closed, { reason: 'closed' });
  t.is(pids().length, 1);
  t.is(instanceAt(path)?.version, '2.0.1');
});

test('another program is never replaced', async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => 'mine', { program: 'mine', version: '1.0.0', control: true });
  t.teardown(() => server.close());
  const { command, pids } = serversAt(t, path);
  const expect = { program: 'app', version: '^2', replace: true };
  await t.throwsAsync(request(path, 'who', { expect, start: command('as', 'app@2.0.0') }), {
    code: 'SIMPLE_IPC_WRONG_SERVER',
  });
  t.is(server.state, 'accepting');
  t.is(pids().length, 0);
});

test('a command that starts the wrong version again ends in an error, not in a circle', async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => 'old', { program: 'app', version: '1.0.0', control: true });
  t.teardown(() => server.close());
  const { command, pids } = serversAt(t, path);
  const expect = { program: 'app', version: '^2', replace: true };
  await t.throwsAsync(request(path, 'who', { expect, start: command('as', 'app@1.0.1') }), {
    code: 'SIMPLE_IPC_WRONG_SERVER',
    message: new RegExp(
      `^app 1\\.0\\.0 \\(pid ${process.pid}\\) was stopped to make room, and .*` +
        'the start command started app 1\\.0\\.1, and app \\^2 is expected: correct the command',
    ),
  });
  t.is(pids().length, 1);
  t.true(isRunning(pids()[0]!));
});

test('the wrong version started where nobody was is told, and stays', async (t) => {
  for (const replace of [true, false]) {
    const { path, command, pids } = serversAt(t);
    const expect = { program: 'app', version: '^4', replace };
    await t.throwsAsync(request(path, 'who', { expect, start: command('as', 'app@3.0.0') }), {
      code: 'SIMPLE_IPC_WRONG_SERVER',
      message:
        /: the start command started app 3\.0\.0, and app \^4 is expected: correct the command\. Nothing was sent/,
    });
    t.is(pids().length, 1);
    t.is(await (await request(path, 'who')).text(), 'app 3.0.0');
  }
});

test('a server is not stopped for a command that cannot be run', async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => 'old', { program: 'app', version: '1.0.0', control: true });
  t.teardown(() => server.close());
  writeFileSync(`${path}.plain`, 'x', { mode: 0o600 });
  const expect = { program: 'app', version: '^2', replace: true };
  const starts: [StartOptions, RegExp][] = [
    [{ command: ['simple-ipc-no-such-program'] }, /^The server at \S+ was not started: there is no program/],
    [{ command: [`${path}.plain`] }, /may not be run/],
    [{ command: ['true'], cwd: `${path}.no` }, /its directory \S+ cannot be entered/],
    [{ command: ['true'], log: `${path}.no/log` }, /its log \S+ cannot be used/],
  ];
  for (const [start, message] of starts) {
    await t.throwsAsync(request(path, 'who', { expect, start }), {
      code: 'SIMPLE_IPC_START_FAILED',
      message,
    });
  }
  t.is(server.state, 'accepting');
});

test('a start that fails after a replacement says what was stopped', async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => 'old', { program: 'app', version: '1.0.0', control: true });
  t.teardown(() => server.close());
  const expect = { program: 'app', version: '^2', replace: true };
  await t.throwsAsync(request(path, 'who', { expect, start: ['false'] }), {
    code: 'SIMPLE_IPC_START_FAILED',
    message: new RegExp(
      `^app 1\\.0\\.0 \\(pid ${process.pid}\\) was stopped to make room, and .* exited with code 1`,
    ),
  });
});

test('nobody is replaced without a start', async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => 'old', { program: 'app', version: '1.0.0', control: true });
  t.teardown(() => server.close());
  await t.throwsAsync(ask(path, { program: 'app', version: '^2', replace: true }), {
    code: 'SIMPLE_IPC_INVALID_ARGUMENT',
    message: /replace needs start/,
  });
  t.is(server.state, 'accepting');
});
