import { spawnSync } from 'node:child_process';
import { chmodSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';

import test from 'ava';

import { examine, REASONS, type Diagnosis } from '../../src/doctor/index.ts';
import { remedyFor } from '../../src/doctor/reasons.ts';
import { CHECKS } from '../../src/doctor/types.ts';
import { QUIT, serve } from '../../src/index.ts';
import { rawClient } from '../support/raw-client.ts';
import { listenAt } from '../support/rendezvous.ts';
import { eventually } from '../support/serving.ts';
import { withoutRights } from '../support/starter.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';
import { examineIn, forge, startProcess, statusFile, unshare } from './setting.ts';

const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;
const PATIENT = { timeout: 5000 };

function check(diagnosis: Diagnosis, name: string) {
  return diagnosis.checks.find((one) => one.name === name)!;
}

test.serial('all checks in their order; those behind the one that ended it are skipped', async (t) => {
  const path = temporaryPath(t);
  const diagnosis = await examine(path);
  t.is(diagnosis.path, path);
  t.deepEqual(
    diagnosis.checks.map(({ name }) => name),
    CHECKS.slice(),
  );
  const failed = diagnosis.checks.findIndex(({ mark }) => mark === 'failed');
  t.is(diagnosis.checks[failed]?.name, 'socket');
  t.true(diagnosis.checks.slice(failed + 1).every(({ mark }) => mark === 'skipped'));
  t.regex(check(diagnosis, 'answer').detail, /the check of socket/u);
});

test.serial('no handler runs, and a server takes no harm', async (t) => {
  const path = temporaryPath(t);
  let asked = 0;
  const server = await serve(
    path,
    () => {
      asked++;
      return QUIT;
    },
    { control: true },
  );
  t.teardown(() => server.close({ drainTimeout: 0 }));
  t.true((await examine(path, { ...PATIENT, deep: true })).healthy);
  t.is(asked, 0);
  t.is(server.state, 'accepting');
  const { 'protocol-error': malformed } = server.stats.ended as Readonly<Record<string, number>>;
  t.is(malformed, 1, 'what deep costs');
});

test.serial('a relative path', async (t) => {
  const diagnosis = await examine('./no-such.sock');
  t.is(diagnosis.path, './no-such.sock');
  t.true(check(diagnosis, 'path').detail.endsWith(join(process.cwd(), 'no-such.sock')));
});

test.serial('wrong arguments are told', async (t) => {
  for (const timeout of [Number.NaN, -1, Number.POSITIVE_INFINITY, '1' as never]) {
    await t.throwsAsync(examine('/app.sock', { timeout }), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
  }
});

test('a remedy can be pasted into a shell', (t) => {
  t.is(
    remedyFor('dangling-link', { FILE: "it's here" }),
    "Make 'it'\\''s here' lead to the socket of a server, or remove it: rm 'it'\\''s here'",
  );
  t.is(remedyFor('process-stopped', {}), 'Let it go on: kill -CONT PID', 'what is not known stays a word');
});

test('every reason has a meaning and a remedy, each a sentence', (t) => {
  for (const [reason, { meaning, remedy }] of Object.entries(REASONS)) {
    t.regex(reason, /^[a-z]+(?:-[a-z]+)*$/u);
    t.regex(meaning, /^[A-Z].*\.$/u);
    t.regex(remedy, /^[A-Z]/u);
  }
});

onLinux('a server that had the path before, and has not ended yet, is told and is no fault', async (t) => {
  const path = temporaryPath(t);
  const first = await serve(path, () => 'old', { control: true, drainTimeout: 60_000 });
  t.teardown(() => first.close({ drainTimeout: 0 }));
  // It waits for the rest of this request.
  const client = await rawClient(path);
  t.teardown(() => client.socket.destroy());
  client.socket.write('0008pi');
  await eventually(() => first.stats.open === 1, 'the connection is accepted');
  const { pid } = await startProcess(t, 'takeover', path);
  await eventually(() => first.state === 'draining', 'it drains');
  const diagnosis = await examine(path, PATIENT);
  t.true(diagnosis.healthy, JSON.stringify(diagnosis.checks));
  t.like(check(diagnosis, 'status'), { mark: 'warning' });
  t.true(check(diagnosis, 'status').detail.includes(`(pid ${process.pid})`));
  t.is(check(diagnosis, 'process').detail, `pid ${pid} runs`);
});

onLinux('a socket that was handed to a server, which ends', async (t) => {
  const path = temporaryPath(t);
  const manager = await listenAt(t, path, createServer({ pauseOnConnect: true }));
  const { fd } = (manager as Server & { _handle: { fd: number } })._handle;
  const { pid, kill } = await startProcess(t, 'adopt', path, [], fd);
  const diagnosis = await examine(path, PATIENT);
  t.like(check(diagnosis, 'status'), { mark: 'ok' });
  t.is(check(diagnosis, 'process').detail, `pid ${pid} runs`);

  await kill();
  const after = await examine(path, PATIENT);
  t.true(after.healthy, JSON.stringify(after.checks));
  t.like(check(after, 'status'), { mark: 'unknown' });
  t.regex(check(after, 'status').detail, /whoever had handed it the socket still listens/u);
});

onLinux('a server in another mount namespace', async (t) => {
  const words = unshare(t, '--mount');
  if (words === undefined) return void t.pass();
  const path = temporaryPath(t);
  await startProcess(t, 'serve', path, words);
  const diagnosis = await examine(path, PATIENT);
  t.true(diagnosis.healthy);
  t.like(check(diagnosis, 'namespaces'), { mark: 'ok' });
  t.regex(check(diagnosis, 'namespaces').detail, /another mount namespace.*same socket/u);
});

onLinux('a server in another mount namespace, that has the directory elsewhere', async (t) => {
  const words = unshare(t, '--mount');
  if (words === undefined) return void t.pass();
  const directory = temporaryDirectory(t);
  const path = join(directory, 'app.sock');
  // The last word is the path, which is /mnt/app.sock there.
  const script = 'mount --bind "$0" /mnt && exec "$1" "$2" "$3" /mnt/app.sock';
  await startProcess(t, 'serve', path, [...words, 'sh', '-c', script, directory]);
  const diagnosis = await examine(path, PATIENT);
  t.true(diagnosis.healthy);
  t.regex(check(diagnosis, 'namespaces').detail, /another mount namespace.*same socket/u);
});

onLinux('a server in another mount namespace, where its path is covered', async (t) => {
  const words = unshare(t, '--mount');
  if (words === undefined) return void t.pass();
  const path = temporaryPath(t);
  const { pid } = await startProcess(t, 'serve', path, words);
  const enter = ['--target', `${pid}`, '--mount', ...(process.geteuid?.() === 0 ? [] : ['--user'])];
  const cover = spawnSync('nsenter', [...enter, 'mount', '-t', 'tmpfs', 'none', join(path, '..')], {
    encoding: 'utf8',
  });
  if (cover.status !== 0) {
    t.log(`skipped: nothing can be mounted in it (${cover.stderr.trim()})`);
    return void t.pass();
  }
  const diagnosis = await examine(path, PATIENT);
  t.like(check(diagnosis, 'namespaces'), { mark: 'warning' });
  t.regex(check(diagnosis, 'namespaces').detail, /leads elsewhere/u);
});

onLinux('a server in another pid namespace, as its process cannot be seen from here', async (t) => {
  const words = unshare(t, '--pid', '--fork', '--kill-child');
  if (words === undefined) return void t.pass();
  const path = temporaryPath(t);
  await startProcess(t, 'serve', path, words);
  const diagnosis = await examine(path, PATIENT);
  t.true(diagnosis.healthy);
  for (const name of ['status', 'process', 'namespaces', 'descriptors']) {
    t.is(check(diagnosis, name).mark, 'unknown', name);
  }
  t.is(check(diagnosis, 'answer').mark, 'ok');
});

onLinux('a server in another network namespace, whose sockets the kernel does not show here', async (t) => {
  const words = unshare(t, '--net');
  if (words === undefined) return void t.pass();
  const path = temporaryPath(t);
  await startProcess(t, 'serve', path, words);
  const diagnosis = await examine(path, PATIENT);
  t.true(diagnosis.healthy);
  t.is(check(diagnosis, 'status').mark, 'unknown');
  t.is(check(diagnosis, 'connections').mark, 'unknown');
  t.is(check(diagnosis, 'answer').mark, 'ok');

  const hanging = temporaryPath(t);
  await startProcess(t, 'serve-hanging', hanging, words);
  const late = await examine(hanging, { timeout: 200 });
  t.is(late.reason, 'process-hangs');
  t.true(late.remedy.includes('kill -9 PID'), 'who is not proved to be it is not named');
  t.is(check(late, 'answer').mark, 'failed', 'its control endpoint says so where the kernel does not');
});

onLinux('a user who may connect, and not look at what only the owner may', async (t) => {
  const user = withoutRights(t);
  if (user?.uid === undefined) {
    t.log('skipped: it takes root to be two users');
    return void t.pass();
  }
  const path = temporaryPath(t);
  await startProcess(t, 'serve', path);
  chmodSync(join(path, '..'), 0o755);
  chmodSync(path, 0o666);
  const diagnosis = examineIn(path, { user });
  t.true(diagnosis.healthy, JSON.stringify(diagnosis.checks));
  for (const name of ['status', 'process', 'namespaces', 'descriptors', 'answer']) {
    t.is(check(diagnosis, name).mark, 'unknown', name);
  }
  t.is(check(diagnosis, 'listening').mark, 'ok');
});

onLinux(
  'a server of the same name elsewhere, and one that may be at the path, are told from one that is',
  async (t) => {
    const path = temporaryPath(t);
    const server = await serve(path, () => 'pong', { control: true, pathCheckInterval: 0 });
    t.teardown(() => server.close({ drainTimeout: 0 }));
    unlinkSync(statusFile(path));
    await listenAt(t, temporaryPath(t), createServer());
    t.is((await examine(path, PATIENT)).reason, 'status-untrue');

    // Another server takes the path by its own means, as git's does.
    unlinkSync(path);
    await listenAt(t, path, createServer());
    const diagnosis = await examine(path, PATIENT);
    t.is(diagnosis.reason, 'healthy');
    t.is(check(diagnosis, 'status').mark, 'warning');
  },
);

test.serial('a status that says anything at all', async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => 'pong', { control: true });
  t.teardown(() => server.close({ drainTimeout: 0 }));
  forge(path, () => ({ startedAt: 8.64e15, program: 'a\nb' }));
  const diagnosis = await examine(path, PATIENT);
  t.true(diagnosis.healthy);
  t.regex(check(diagnosis, 'status').detail, /since \+275760-09-13T/u);
  forge(path, () => ({ startedAt: 1e300 }));
  const untrue = await examine(path, PATIENT);
  t.is(check(untrue, 'status').mark, process.platform === 'linux' ? 'failed' : 'unknown');
});
