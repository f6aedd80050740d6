import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';

import test from 'ava';

import { probe } from '../../../src/runtime/rendezvous/probe.ts';
import { makeBusy } from '../../support/busy.ts';
import {
  leaveStaleSocket,
  listenAt,
  longName,
  publishSpeaker,
  temporaryDirectory,
} from '../../support/rendezvous.ts';

test('listening: a server accepts, and is told nothing', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  let heard = '';
  const closed = new Promise<void>((resolve) => {
    const server = createServer((socket) => {
      socket.on('data', (data) => (heard += String(data)));
      socket.on('close', () => resolve());
      socket.resume();
    });
    void listenAt(t, path, server).then(async () => {
      const found = await probe(path);
      t.is(found.state, 'listening');
      t.regex(found.cause, /accepts connections at /);
      t.false('errno' in found);
    });
  });
  await closed;
  t.is(heard, '');
});

const onLinux = process.platform === 'linux' ? test : test.skip;
onLinux('listening: a server whose backlog is full is alive', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  await makeBusy(t, path);
  t.like(await probe(path), { state: 'listening', errno: 'EAGAIN' });
});

test('not-listening: nothing there', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'file'), '');
  t.like(await probe(join(directory, 'app.sock')), { state: 'not-listening', errno: 'ENOENT' });
  t.like(await probe(join(directory, 'a', 'app.sock')), { state: 'not-listening', errno: 'ENOENT' });
  t.like(await probe(join(directory, 'file', 'app.sock')), {
    state: 'not-listening',
    errno: 'ENOTDIR',
  });
});

test('not-listening: a socket that nobody listens on', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  await leaveStaleSocket(path);
  const found = await probe(path);
  t.like(found, { state: 'not-listening', errno: 'ECONNREFUSED' });
  t.regex(found.cause, /no process listens/);
});

test('invalid-path: what is no socket', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'file'), '');
  symlinkSync('file', join(directory, 'link'));
  const kinds = { '': 'a directory', file: 'a file', link: 'a symbolic link' };
  for (const [name, kind] of Object.entries(kinds)) {
    const found = await probe(join(directory, name));
    t.is(found.state, 'invalid-path');
    t.true(found.cause.includes(kind), found.cause);
  }
});

test('a directory that may not be searched', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'closed'));
  chmodSync(join(directory, 'closed'), 0);
  const found = await probe(join(directory, 'closed', 'app.sock'));
  if (process.geteuid?.() === 0) {
    t.log('as root nothing is denied; test/faults/rendezvous.test.ts has the case for another user');
    t.is(found.state, 'not-listening');
  } else {
    t.like(found, { state: 'invalid-path', errno: 'EACCES' });
  }
});

test('a long path', async (t) => {
  const path = longName(temporaryDirectory(t), 'app.sock', 150);
  t.like(await probe(path), { state: 'not-listening' });
  mkdirSync(dirname(path), { recursive: true });
  const { stop } = await publishSpeaker(t, path, 'long');
  t.like(await probe(path), { state: 'listening' });
  await stop();
  t.like(await probe(path), { state: 'not-listening' });
});

test('wrong arguments are told', async (t) => {
  await t.throwsAsync(probe(''), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
  for (const timeout of [Number.NaN, -1, Infinity, '1' as never]) {
    await t.throwsAsync(probe('/app.sock', { timeout }), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
  }
});
