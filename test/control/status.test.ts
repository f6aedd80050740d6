/** What can be known of the server at a path, whether it answers, hangs, or is gone. */
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import test from 'ava';
import { request, serve, status } from '../../src/index.ts';
import { makeRepository, startDaemon } from '../interop/repository.ts';
import { controlled } from '../support/controlled.ts';
import { handedIn } from '../support/handed-in.ts';
import { HANDED, hostServer } from '../support/host.ts';
import { git, peerTest } from '../support/peers.ts';
import { leaveStaleSocket, listenAt, longName, speaker } from '../support/rendezvous.ts';
import { rawServer } from '../support/raw-server.ts';
import { eventually, gate, within } from '../support/serving.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';
import { forge } from '../doctor/setting.ts';

const onLinux = process.platform === 'linux' ? test : test.skip;

test('a server that lives: what it wrote, its process, and what it says now', async (t) => {
  const path = temporaryPath(t);
  const before = Date.now();
  const { pid } = await hostServer(t, path, { control: true, program: 'tested', version: '1.2.3' });
  await (await request(path, 'x')).text();
  const found = await status(path);
  t.like(found, {
    path,
    pid,
    program: 'tested',
    version: '1.2.3',
    process: 'running',
    problem: null,
    log: null,
    live: { state: 'accepting', drainTimeout: 10_000, stats: { open: 0, ended: { answered: 1 } } },
  });
  t.true(found.startedAt >= before && found.startedAt <= Date.now());
  t.true(found.live!.uptime <= Date.now() - before);
  t.regex(found.runtime, /^simple-ipc \S+, Node\.js \d/u);
});

onLinux('a server that hangs: all but what it would say itself', async (t) => {
  const path = temporaryPath(t);
  const host = await hostServer(t, path, { control: true, program: 'tested' });
  await host.signal('SIGSTOP');
  const began = performance.now();
  const found = await status(path);
  t.true(performance.now() - began < 2_000, 'it is not asked');
  t.like(found, { pid: host.pid, program: 'tested', process: 'stopped', live: null });
  t.regex(found.problem!, new RegExp(`is stopped.*kill -CONT ${host.pid}`, 'u'));
});

onLinux('a server that was killed', async (t) => {
  const path = temporaryPath(t);
  const host = await hostServer(t, path);
  await host.signal('SIGKILL');
  const found = await status(path);
  t.like(found, { pid: host.pid, process: 'gone', live: null });
  t.regex(found.problem!, /^Its process \(pid \d+\) has ended, and could not clean up/u);
});

test('a server without a control endpoint', async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => 'pong', { program: 'tested' });
  t.teardown(() => server.close());
  const found = await status(path);
  t.like(found, { pid: process.pid, program: 'tested', process: 'running', live: null });
  t.regex(found.problem!, /has no control endpoint\. Start it with a control endpoint/u);
});

test('a server that drains has given its path up, and is found all the same', async (t) => {
  const held = gate<string>();
  const { path, server } = await controlled(t, () => held.promise);
  const answer = request(path, 'x');
  await eventually(() => server.stats.running === 1, 'the request runs');
  const closing = server.close();
  await eventually(() => !existsSync(path), 'the path is given up');
  t.like(await status(path), { pid: process.pid, live: { state: 'draining', stats: { running: 1 } } });
  held.resolve('x');
  t.is(await (await answer).text(), 'x');
  await closing;
  await t.throwsAsync(status(path), { code: 'SIMPLE_IPC_PATH_NOT_FOUND' });
});

test('so is one that has lost its path', async (t) => {
  const { path } = await controlled(t, undefined, { pathCheckInterval: 0 });
  rmSync(path);
  t.like(await status(path), { pid: process.pid, live: { state: 'accepting' } });
});

test('of several that have no path, the newest', async (t) => {
  const path = temporaryPath(t);
  const first = await hostServer(t, path, { control: true, pathCheckInterval: 0 });
  rmSync(path);
  const second = await hostServer(t, path, { control: true, pathCheckInterval: 0 });
  rmSync(path);
  t.not(first.pid, second.pid);
  t.is((await status(path)).pid, second.pid);
});

test('a server that is not of this library', async (t) => {
  const path = temporaryPath(t);
  await listenAt(t, path, speaker('plain'));
  await t.throwsAsync(status(path), {
    code: 'SIMPLE_IPC_NO_CONTROL',
    message: /has written nothing of itself: it is not of this library/u,
  });
});

peerTest(git)("git's own daemon", async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);
  await t.throwsAsync(status(repository.socketPath), { code: 'SIMPLE_IPC_NO_CONTROL' });
});

test('nobody there: what a request would meet', async (t) => {
  const path = temporaryPath(t);
  await t.throwsAsync(status(path), { code: 'SIMPLE_IPC_PATH_NOT_FOUND' });
  await t.throwsAsync(status(join(path, 'deeper')), { code: 'SIMPLE_IPC_PATH_NOT_FOUND' });
  await leaveStaleSocket(path);
  await t.throwsAsync(status(path), { code: 'SIMPLE_IPC_NOT_LISTENING' });
  rmSync(path);
  writeFileSync(path, '');
  await t.throwsAsync(status(path), { code: 'SIMPLE_IPC_INVALID_PATH' });
  await t.throwsAsync(status(''), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
});

test('a time-out that is none is told as that', async (t) => {
  const { path } = await controlled(t);
  for (const timeout of [-1, Number.NaN, '1' as never]) {
    await t.throwsAsync(status(path, { timeout }), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
  }
});

test('a socket of the same path, but of another server, is not taken for it', async (t) => {
  const { path, server } = await controlled(t);
  rmSync(path);
  await listenAt(t, path, createServer());
  await t.throwsAsync(status(path), { code: 'SIMPLE_IPC_NO_CONTROL' });
  t.is(server.state, 'accepting');
});

for (const [what, said, problem] of [
  ['nothing', '', /has not said how it is/u],
  ['no JSON', 'hello\n', /is no control endpoint: it said "hello"/u],
  ['half a line', '{"live":', /is no control endpoint/u],
  ['no object', '5\n', /is no control endpoint/u],
  ['something else', '{"alive":true}\n', /has not said how it is/u],
] as const) {
  onLinux(`what answers in its place says ${what}`, async (t) => {
    const { path } = await controlled(t);
    const impostor = await rawServer(t, (socket) => {
      const packet = said === '' ? '' : (said.length + 4).toString(16).padStart(4, '0') + said;
      socket.end(`${packet}0000`);
      socket.resume();
    });
    const { control } = await status(path);
    renameSync(impostor, control!);
    const found = await status(path);
    t.is(found.live, null);
    t.regex(found.problem!, problem);
  });
}

onLinux('of a process elsewhere, or of before the machine was started, nothing is said', async (t) => {
  const { path } = await controlled(t);
  for (const [lies, process] of [
    [{ pidNamespace: 'pid:[1]' }, 'elsewhere'],
    [{ host: 'another.example', bootId: 'another' }, 'elsewhere'],
  ] as const) {
    forge(path, () => ({ control: null }));
    forge(path, () => lies);
    t.like(await status(path), { process, live: null });
  }
});

onLinux('a path that is longer than an address', async (t) => {
  const path = longName(temporaryDirectory(t), 'app.sock', 300);
  mkdirSync(dirname(path), { recursive: true });
  const host = await hostServer(t, path);
  t.like(await status(path), { path, pid: host.pid, process: 'running', live: { state: 'accepting' } });
  await host.signal('SIGKILL');
  t.like(await status(path), { pid: host.pid, process: 'gone', live: null });
});

test('through a directory that is a link, and by a relative path', async (t) => {
  const { path } = await controlled(t);
  const link = join(temporaryDirectory(t), 'link');
  symlinkSync(dirname(path), link);
  t.like(await status(join(link, 'test.sock')), { path, live: { state: 'accepting' } });
  const relative = `${'../'.repeat(50)}${path.slice(1)}`;
  t.like(await status(relative), { path, live: { state: 'accepting' } });
});

test('through a link to the socket itself, also when it leads nowhere any more', async (t) => {
  const held = gate<string>();
  const { path, server } = await controlled(t, () => held.promise);
  const directory = temporaryDirectory(t);
  symlinkSync(path, join(directory, 'first'));
  symlinkSync('first', join(directory, 'second'));
  const link = join(directory, 'second');
  const answer = request(link, 'x');
  await eventually(() => server.stats.running === 1, 'the request runs');
  t.like(await status(link), { path, live: { state: 'accepting' } });
  const closing = server.close();
  await eventually(() => !existsSync(path), 'the path is given up');
  t.like(await status(link), { path, live: { state: 'draining' } });
  held.resolve('x');
  await (await answer).text();
  await closing;
});

onLinux('a directory that was renamed: the server is asked where it is now', async (t) => {
  const base = temporaryDirectory(t);
  mkdirSync(join(base, 'old'));
  const host = await hostServer(t, join(base, 'old', 'x.sock'), { control: true, pathCheckInterval: 0 });
  renameSync(join(base, 'old'), join(base, 'new'));
  t.like(await status(join(base, 'new', 'x.sock')), {
    path: join(base, 'old', 'x.sock'),
    pid: host.pid,
    live: { state: 'accepting' },
  });
});

onLinux('the machine was given another name: the process is still told', async (t) => {
  const path = temporaryPath(t);
  const host = await hostServer(t, path);
  forge(path, () => ({ host: 'old-name.example' }));
  t.like(await status(path), { process: 'running', live: { state: 'accepting' } });
  await host.signal('SIGKILL');
  t.like(await status(path), { process: 'gone' });
  forge(path, () => ({ bootId: 'before' }));
  t.like(await status(path), { process: 'elsewhere' });
});

onLinux(
  'several that were handed the same socket: one that lives, though an ended one is newer',
  async (t) => {
    const path = temporaryPath(t);
    const [first, second] = await handedIn(t, path, {}, {});
    await first!.serve(path, { fd: HANDED, control: true });
    await second!.serve(path, { fd: HANDED, control: true });
    t.is((await status(path)).pid, second!.pid);
    await second!.signal('SIGKILL');
    t.like(await status(path), { pid: first!.pid, process: 'running', live: { state: 'accepting' } });
  },
);

onLinux('a status from a time that never comes is no status', async (t) => {
  const { path } = await controlled(t);
  forge(path, () => ({ startedAt: 1e300 }));
  await t.throwsAsync(status(path), { code: 'SIMPLE_IPC_NO_CONTROL' });
});

onLinux('a directory that was renamed: the server there can be taken over, and hears of it', async (t) => {
  const base = temporaryDirectory(t);
  mkdirSync(join(base, 'old'));
  const first = await hostServer(t, join(base, 'old', 'x.sock'), { control: true, pathCheckInterval: 0 });
  renameSync(join(base, 'old'), join(base, 'new'));
  const second = await hostServer(t, join(base, 'new', 'x.sock'), { control: true, takeover: true });
  t.is((await within(first.server.ended, 'it did not hear of it')).reason, 'handed-over');
  t.like(await status(join(base, 'new', 'x.sock')), { pid: second.pid, live: { state: 'accepting' } });
});
