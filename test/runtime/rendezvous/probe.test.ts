import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { dirname, join } from 'node:path';

import test from 'ava';

import { probe } from '../../../src/runtime/rendezvous/probe.ts';
import { makeBusy } from '../../support/busy.ts';
import { leaveStaleSocket, listenAt, longName, publishSpeaker } from '../../support/rendezvous.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { withoutRights } from '../../support/starter.ts';

test('listening: a server accepts, and is told nothing', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const server = await listenAt(t, path, createServer());
  const heard = once(server, 'connection').then(([socket]) => text(socket as Socket));
  const found = await probe(path);
  t.is(found.state, 'listening');
  t.regex(found.cause, /accepts connections at /);
  t.false('errno' in found);
  t.is(await heard, '');
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

test('invalid-path: a directory that may not be searched', (t) => {
  const directory = temporaryDirectory(t);
  const user = withoutRights(t);
  if (user === undefined) return void t.pass();
  chmodSync(directory, 0);
  t.teardown(() => chmodSync(directory, 0o700));
  const source = new URL('../../../src/runtime/rendezvous/probe.ts', import.meta.url).href;
  const script = `
    import { probe } from ${JSON.stringify(source)};
    console.log(JSON.stringify(await probe(process.argv[1])));`;
  const path = join(directory, 'app.sock');
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script, path], {
    encoding: 'utf8',
    ...user,
  });
  t.like(JSON.parse(output), { state: 'invalid-path', errno: 'EACCES' });
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
