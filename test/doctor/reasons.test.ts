// Each reason that a diagnosis may give, brought about for real.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';

import test, { type ExecutionContext } from 'ava';

import { listeningNames } from '../../src/doctor/kernel.ts';
import { processStat } from '../../src/runtime/proc.ts';
import { examine, REASONS, type Diagnosis, type Reason } from '../../src/doctor/index.ts';
import { serve, type ServeOptions } from '../../src/index.ts';
import { PATH_MAX } from '../../src/runtime/rendezvous/lock.ts';
import { processStartTime } from '../../src/runtime/rendezvous/process-state.ts';
import type { InstanceStatus } from '../../src/runtime/rendezvous/status.ts';
import { makeBusy } from '../support/busy.ts';
import { mountByFuse } from '../support/mount.ts';
import { rawClient } from '../support/raw-client.ts';
import { rawServer } from '../support/raw-server.ts';
import { leaveStaleSocket, listenAt, longName, speaker } from '../support/rendezvous.ts';
import { eventually } from '../support/serving.ts';
import { withoutRights } from '../support/starter.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';
import { examineIn, forge, startProcess, statusFile, unshare } from './setting.ts';

const onLinux = process.platform === 'linux';
const produced = new Set<Reason>();

/** For what must not be late. */
const PATIENT = { timeout: 5000 };
/** For what is late in any case. */
const BRIEF = { timeout: 200 };

/** Declares a test that brings a reason about; it gives nothing, and says why, where this machine cannot do that. */
function because(
  reason: Reason,
  how: string,
  examined: (t: ExecutionContext) => Promise<Diagnosis | undefined>,
): void {
  produced.add(reason);
  const declare = onLinux ? test.serial : test.serial.skip;
  declare(`${reason}: ${how}`, async (t) => {
    const diagnosis = await examined(t);
    if (diagnosis === undefined) return void t.pass();
    t.is(diagnosis.reason, reason, JSON.stringify(diagnosis.checks, undefined, 1));
    t.is(diagnosis.healthy, reason === 'healthy');
    t.notRegex(diagnosis.remedy, /\b(?:PATH|DIRECTORY|FILE|PID)\b/u);
  });
}

function check(diagnosis: Diagnosis, name: string) {
  return diagnosis.checks.find((one) => one.name === name)!;
}

/** A server of this library in this process. */
async function served(t: ExecutionContext, path: string, options: ServeOptions = {}) {
  const server = await serve(path, () => 'pong', { control: true, pathCheckInterval: 0, ...options });
  t.teardown(() => server.close({ drainTimeout: 0 }));
  return server;
}

/** A connection that is held until the test is over. */
async function hold(t: ExecutionContext, path: string): Promise<Socket> {
  const socket = connect(path);
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

because('healthy', 'a server of this library, in another process', async (t) => {
  const path = temporaryPath(t);
  const { pid } = await startProcess(t, 'serve', path);
  const diagnosis = await examine(path, { ...PATIENT, deep: true });
  t.deepEqual(
    diagnosis.checks.filter(({ mark }) => mark !== 'ok'),
    [],
  );
  t.regex(check(diagnosis, 'status').detail, new RegExp(`child 1\\.2\\.3, pid ${pid}, .*proved`, 'u'));
  return diagnosis;
});

because('healthy', 'any socket that accepts, though what it speaks is not known', async (t) => {
  const path = temporaryPath(t);
  const { pid } = await startProcess(t, 'plain', path);
  const diagnosis = await examine(path, PATIENT);
  t.is(check(diagnosis, 'status').mark, 'warning');
  t.regex(check(diagnosis, 'status').detail, /not of this library.*status, stop and takeover/u);
  t.like(check(diagnosis, 'process'), { mark: 'ok', detail: `pid ${pid} runs` });
  t.like(check(diagnosis, 'connections'), { mark: 'ok' });
  t.like(check(diagnosis, 'answer'), { mark: 'unknown' });
  t.regex(check(diagnosis, 'protocol').detail, /--deep/u);
  t.regex(diagnosis.meaning, /was not asked/u);
  t.true(diagnosis.remedy.includes(`simple-ipc doctor --deep ${path} asks it`));
  return diagnosis;
});

because('healthy', 'a server of HTTP that was not asked', async (t) => {
  const path = temporaryPath(t);
  await listenAt(t, path, createHttpServer());
  const diagnosis = await examine(path, PATIENT);
  t.regex(diagnosis.meaning, /was not asked/u);
  return diagnosis;
});

because('healthy', 'no control endpoint: it is asked by what is no pkt-line alone', async (t) => {
  const path = temporaryPath(t);
  await served(t, path, { control: false });
  t.regex((await examine(path, PATIENT)).meaning, /was not asked/u);
  const diagnosis = await examine(path, { ...PATIENT, deep: true });
  t.is(diagnosis.meaning, REASONS.healthy.meaning);
  t.is(diagnosis.remedy, 'Nothing.');
  return diagnosis;
});

for (const all of [true, false]) {
  because(
    'healthy',
    `${all ? 'all that stood' : 'its own directory'} beside its socket was removed`,
    async (t) => {
      const path = temporaryPath(t);
      const { pid } = await startProcess(t, 'serve', path);
      rmSync(all ? `${path}.d` : join(statusFile(path), '..'), { recursive: true });
      const diagnosis = await examine(path, PATIENT);
      t.is(check(diagnosis, 'status').mark, 'warning');
      t.regex(
        check(diagnosis, 'status').detail,
        /no status beside it.*was removed; status, stop and takeover/u,
      );
      t.like(check(diagnosis, 'process'), { mark: 'ok', detail: `pid ${pid} runs` }, 'the kernel knows');
      t.like(check(diagnosis, 'connections'), { mark: 'ok' });
      t.true(diagnosis.remedy.includes(`kill ${pid}`));
      return diagnosis;
    },
  );
}

because('healthy', 'a link to its socket', async (t) => {
  const path = temporaryPath(t);
  await served(t, path);
  symlinkSync(path, `${path}.link`);
  const diagnosis = await examine(`${path}.link`, PATIENT);
  t.regex(check(diagnosis, 'socket').detail, /links to/u);
  t.is(check(diagnosis, 'answer').mark, 'ok');
  return diagnosis;
});

because('healthy', 'a path that is longer than a socket address', async (t) => {
  const path = longName(temporaryDirectory(t), 'app.sock', 200);
  mkdirSync(join(path, '..'), { recursive: true });
  await served(t, path);
  const diagnosis = await examine(path, { ...PATIENT, deep: true });
  t.is(check(diagnosis, 'length').mark, 'warning');
  t.is(check(diagnosis, 'status').mark, 'ok');
  t.is(check(diagnosis, 'answer').mark, 'ok');
  return diagnosis;
});

for (const path of ['', 'a\0b', 'directory/', '..']) {
  because('invalid-path', JSON.stringify(path), async (t) => {
    const diagnosis = await examine(path);
    t.is(diagnosis.remedy, REASONS['invalid-path'].remedy);
    return diagnosis;
  });
}
because('invalid-path', 'relative, in a working directory that is gone', async (t) => {
  const gone = join(temporaryDirectory(t), 'gone');
  mkdirSync(gone);
  const before = ['sh', '-c', 'cd "$0" && rmdir "$0" && exec "$@"', gone];
  const diagnosis = examineIn('app.sock', { before });
  t.is(diagnosis.remedy, 'The working directory is gone: give an absolute path.');
  return diagnosis;
});

because('path-too-long', 'its last part', async (t) => examine(join(temporaryDirectory(t), 'x'.repeat(300))));
because('path-too-long', 'all of it', async (t) => {
  const directory = temporaryDirectory(t);
  const path = longName(directory, 'app.sock', PATH_MAX + 1);
  mkdirSync(join(path, '..'), { recursive: true });
  return examine(path);
});

because('directory-missing', 'in the middle of the way', async (t) => {
  const directory = temporaryDirectory(t);
  const diagnosis = await examine(join(directory, 'a', 'b', 'app.sock'));
  t.true(check(diagnosis, 'directories').detail.startsWith(`${directory}/a `), 'the first that is missing');
  t.true(diagnosis.remedy.includes(`mkdir -m 700 -p ${directory}/a/b)`), 'all that is missing');
  t.is(check(diagnosis, 'socket').mark, 'skipped');
  return diagnosis;
});

because('not-a-directory', 'a file on the way', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'file'), '');
  const diagnosis = await examine(join(directory, 'file', 'a', 'app.sock'));
  t.true(diagnosis.remedy.includes(join(directory, 'file')));
  return diagnosis;
});

because('directory-not-searchable', 'another user, or no right at all', async (t) => {
  const directory = temporaryDirectory(t);
  const user = withoutRights(t);
  if (user === undefined) return undefined;
  if (process.geteuid?.() !== 0) chmodSync(directory, 0);
  t.teardown(() => chmodSync(directory, 0o700));
  const diagnosis = examineIn(join(directory, 'a', 'app.sock'), { user });
  t.true(diagnosis.remedy.includes(directory));
  return diagnosis;
});

because('dangling-link', 'at the path', async (t) => {
  const path = temporaryPath(t);
  symlinkSync('nowhere', path);
  const diagnosis = await examine(path);
  t.true(diagnosis.remedy.includes(`rm ${path}`));
  return diagnosis;
});
because('dangling-link', 'in a circle', async (t) => {
  const path = temporaryPath(t);
  symlinkSync(path, path);
  return examine(path);
});
because('dangling-link', 'on the way', async (t) => {
  const directory = temporaryDirectory(t);
  symlinkSync('nowhere', join(directory, 'link'));
  return examine(join(directory, 'link', 'app.sock'));
});

because('nothing-there', 'no server was started', (t) => examine(temporaryPath(t)));
because('nothing-there', 'a server has stopped', async (t) => {
  const path = temporaryPath(t);
  const server = await served(t, path);
  await server.close();
  return examine(path);
});
because('nothing-there', 'what a killed server has left beside it', async (t) => {
  const path = temporaryPath(t);
  const { kill } = await startProcess(t, 'serve', path);
  await kill();
  unlinkSync(path);
  return examine(path);
});

because('nothing-there', 'in a directory that this user cannot write', async (t) => {
  const directory = temporaryDirectory(t);
  const user = withoutRights(t);
  if (user === undefined) return undefined;
  chmodSync(directory, 0o555);
  t.teardown(() => chmodSync(directory, 0o700));
  const diagnosis = examineIn(join(directory, 'app.sock'), { user });
  t.like(check(diagnosis, 'directory'), { mark: 'warning' });
  t.regex(check(diagnosis, 'directory').detail, /may not write in it \(.*EACCES.*can't start a server/u);
  t.true(diagnosis.remedy.includes(`this user can't make a socket in ${directory}: `));
  return diagnosis;
});

because('not-a-socket', 'a file', async (t) => {
  const path = temporaryPath(t);
  writeFileSync(path, '');
  return examine(path);
});
because('not-a-socket', 'a directory', (t) => examine(temporaryDirectory(t)));
because('not-a-socket', 'a link to a FIFO', async (t) => {
  const path = temporaryPath(t);
  spawnSync('mkfifo', [`${path}.fifo`]);
  symlinkSync(`${path}.fifo`, path);
  const diagnosis = await examine(path);
  t.regex(check(diagnosis, 'socket').detail, /FIFO/u);
  return diagnosis;
});

because('permission-denied', 'a socket of mode 0600, to another user', async (t) => {
  const directory = temporaryDirectory(t);
  const user = withoutRights(t);
  if (user === undefined) return undefined;
  chmodSync(directory, 0o755);
  const path = join(directory, 'app.sock');
  await served(t, path);
  if (process.geteuid?.() !== 0) chmodSync(path, 0);
  return examineIn(path, { user });
});

because('directory-untrusted', 'everybody can write in it', async (t) => {
  const path = temporaryPath(t);
  chmodSync(join(path, '..'), 0o777);
  await served(t, path);
  const diagnosis = await examine(path, PATIENT);
  t.is(check(diagnosis, 'directory').mark, 'warning');
  t.is(check(diagnosis, 'answer').mark, 'ok', 'and it is looked at to the end');
  t.is(diagnosis.remedy, `Close the directory to them: chmod go-w ${join(path, '..')}`);
  return diagnosis;
});

because('owner-untrusted', 'the socket of another user', async (t) => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: only root can give a socket to another user');
    return undefined;
  }
  const path = temporaryPath(t);
  await listenAt(t, path, createServer());
  chownSync(path, 65534, 65534);
  return examine(path, PATIENT);
});

because('sidecar-untrusted', 'beside a socket', async (t) => {
  const path = temporaryPath(t);
  await served(t, path);
  chmodSync(`${path}.d`, 0o755);
  const diagnosis = await examine(path, PATIENT);
  // Else it could not be stopped cleanly.
  chmodSync(`${path}.d`, 0o700);
  t.true(diagnosis.remedy.includes(`chmod 700 ${path}.d`));
  return diagnosis;
});
because('sidecar-untrusted', 'where nothing stands', async (t) => {
  const path = temporaryPath(t);
  writeFileSync(`${path}.d`, '');
  return examine(path);
});

because('status-untrue', 'cut off', async (t) => {
  const path = temporaryPath(t);
  await served(t, path);
  truncateSync(statusFile(path), 100);
  const diagnosis = await examine(path, PATIENT);
  t.true(diagnosis.remedy.includes(statusFile(path)));
  t.like(check(diagnosis, 'process'), { mark: 'ok', detail: `pid ${process.pid} runs` }, 'the kernel knows');
  return diagnosis;
});
because('status-untrue', 'missing', async (t) => {
  const path = temporaryPath(t);
  await served(t, path);
  const file = statusFile(path);
  unlinkSync(file);
  const diagnosis = await examine(path, PATIENT);
  t.true(check(diagnosis, 'status').detail.startsWith(`${file} is missing`));
  t.is(diagnosis.remedy, `Start it anew (kill ${process.pid} ends it).`);
  return diagnosis;
});
because('status-untrue', 'of another process, that lives', async (t) => {
  const path = temporaryPath(t);
  await served(t, path);
  const { pid } = await startProcess(t, 'plain', `${path}.other`);
  forge(path, () => ({ pid, processStartTime: processStartTime(pid) }));
  const diagnosis = await examine(path, PATIENT);
  t.like(check(diagnosis, 'process'), { detail: `pid ${process.pid} runs` });
  t.is(check(diagnosis, 'answer').mark, 'unknown', 'who it names is not asked');
  return diagnosis;
});
because('status-untrue', 'of a process that is gone', async (t) => {
  const path = temporaryPath(t);
  await served(t, path);
  forge(path, () => ({ pid: process.ppid, processStartTime: '1' }));
  return examine(path, PATIENT);
});
because('status-untrue', 'of another socket', async (t) => {
  const path = temporaryPath(t);
  await served(t, path);
  forge(path, ({ socket }) => ({ socket: { ...socket!, ino: '1' } }));
  return examine(path, PATIENT);
});

because('path-lost', 'its socket was deleted', async (t) => {
  const path = temporaryPath(t);
  await served(t, path);
  unlinkSync(path);
  const diagnosis = await examine(path, PATIENT);
  t.notRegex(check(diagnosis, 'socket').detail, /hangs|stopped/u);
  t.true(diagnosis.remedy.includes(`(pid ${process.pid})`));
  t.true(diagnosis.remedy.includes(`simple-ipc stop ${path} --force`));
  return diagnosis;
});
because('path-lost', 'its socket was deleted, and it hangs', async (t) => {
  const path = temporaryPath(t);
  const { pid } = await startProcess(t, 'serve-hanging', path);
  unlinkSync(path);
  const diagnosis = await examine(path, BRIEF);
  t.regex(check(diagnosis, 'socket').detail, new RegExp(`\\(pid ${pid}\\).* it hangs: .*200 ms`, 'u'));
  return diagnosis;
});
because('path-lost', 'its socket was replaced by a dead one, behind a link, and it hangs', async (t) => {
  const path = temporaryPath(t);
  const { pid } = await startProcess(t, 'serve-hanging', path);
  await leaveStaleSocket(`${path}.dead`);
  renameSync(`${path}.dead`, path);
  symlinkSync(path, `${path}.link`);
  const diagnosis = await examine(`${path}.link`, BRIEF);
  t.regex(check(diagnosis, 'listening').detail, /it hangs: .*200 ms/u);
  t.true(diagnosis.remedy.includes(`(pid ${pid})`));
  t.true(diagnosis.remedy.includes(`simple-ipc stop ${path} --force`), 'where it has what is beside it');
  return diagnosis;
});
for (const isReplaced of [true, false]) {
  because('process-stopped', `its socket was ${isReplaced ? 'replaced' : 'deleted'}`, async (t) => {
    const path = temporaryPath(t);
    const { pid, stop } = await startProcess(t, 'serve', path);
    await stop();
    unlinkSync(path);
    if (isReplaced) await leaveStaleSocket(path);
    const diagnosis = await examine(path, BRIEF);
    t.is(diagnosis.remedy, `Let it go on: kill -CONT ${pid}`);
    return diagnosis;
  });
}
because('path-lost', 'its socket was deleted, and it has no control endpoint', async (t) => {
  const path = temporaryPath(t);
  await served(t, path, { control: false });
  unlinkSync(path);
  return examine(path, PATIENT);
});
because('path-lost', 'its socket was replaced by a dead one', async (t) => {
  const path = temporaryPath(t);
  await served(t, path);
  await leaveStaleSocket(`${path}.dead`);
  renameSync(`${path}.dead`, path);
  return examine(path, PATIENT);
});

for (const control of [true, false]) {
  because(
    'draining',
    control ? 'it says so' : 'its path is gone, it does not listen, and it lives',
    async (t) => {
      const path = temporaryPath(t);
      const server = await served(t, path, { control, drainTimeout: 60_000 });
      // It waits for the rest of this request.
      const client = await rawClient(path);
      client.socket.write('0008pi');
      await eventually(() => server.stats.open === 1, 'the connection is accepted');
      const closing = server.close();
      await eventually(() => server.state === 'draining', 'it drains');
      const until = () => examine(path, PATIENT);
      // It first gives the path up, and then empties its backlog.
      let diagnosis = await until();
      for (let tries = 0; diagnosis.reason !== 'draining' && tries < 20; tries++) diagnosis = await until();
      client.socket.destroy();
      await server.close({ drainTimeout: 0 });
      await closing;
      return diagnosis;
    },
  );
}

because('stale-socket', 'its server was killed', async (t) => {
  const path = temporaryPath(t);
  const { kill, pid } = await startProcess(t, 'serve', path);
  await kill();
  const diagnosis = await examine(path);
  t.regex(check(diagnosis, 'process').detail, new RegExp(`^pid ${pid} is gone$`, 'u'));
  return diagnosis;
});
because('stale-socket', 'its server was killed, and another process has its pid', async (t) => {
  const path = temporaryPath(t);
  const { kill } = await startProcess(t, 'serve', path);
  await kill();
  forge(path, () => ({ pid: process.pid }));
  const diagnosis = await examine(path);
  t.regex(check(diagnosis, 'process').detail, /its number is that of another process now/u);
  return diagnosis;
});
because('stale-socket', 'its server is a zombie', async (t) => {
  const path = temporaryPath(t);
  // A parent that does not ask what became of it: this shell becomes a sleep.
  await startProcess(t, 'serve', path, ['sh', '-c', '"$@" & exec sleep 1000', 'sh']);
  const { pid, boundAs } = JSON.parse(readFileSync(statusFile(path), 'utf8')) as InstanceStatus;
  process.kill(pid, 'SIGKILL');
  const isDead = () => processStat(pid)?.state === 'Z' && !listeningNames('test.sock').includes(boundAs);
  await eventually(isDead, 'it is a zombie');
  const diagnosis = await examine(path);
  t.regex(check(diagnosis, 'process').detail, /a zombie/u);
  return diagnosis;
});

because('stale-socket-no-status', 'of any server', async (t) => {
  const path = temporaryPath(t);
  await leaveStaleSocket(path);
  return examine(path);
});
because('stale-socket-no-status', 'its server was killed, and its status is cut off', async (t) => {
  const path = temporaryPath(t);
  const { kill } = await startProcess(t, 'serve', path);
  await kill();
  truncateSync(statusFile(path), 100);
  return examine(path);
});

because('stale-mount', 'a socket that was mounted by itself', async (t) => {
  const words = unshare(t, '--mount');
  if (words === undefined) return undefined;
  const directory = temporaryDirectory(t);
  const [real, mounted] = [join(directory, 'real'), join(directory, 'mount point')] as const;
  await leaveStaleSocket(real);
  writeFileSync(mounted, '');
  const mount = ['sh', '-c', 'mount --bind "$0" "$1" && shift && exec "$@"', real, mounted];
  return examineIn(mounted, { before: [...words, ...mount] });
});

because('network-file-system', 'a dead socket on one', async (t) => {
  const directory = temporaryDirectory(t);
  const [source, mount] = [join(directory, 'source'), join(directory, 'mount')] as const;
  mkdirSync(source, 0o700);
  mkdirSync(mount, 0o700);
  if (!mountByFuse(t, source, mount)) return undefined;
  const path = join(mount, 'app.sock');
  await leaveStaleSocket(path);
  const diagnosis = await examine(path);
  t.like(check(diagnosis, 'file-system'), { mark: 'warning' });
  return diagnosis;
});

for (const kind of ['serve', 'plain'] as const) {
  because('process-stopped', `by a signal (${kind})`, async (t) => {
    const path = temporaryPath(t);
    const { pid, stop } = await startProcess(t, kind, path);
    await stop();
    const diagnosis = await examine(path);
    t.is(diagnosis.remedy, `Let it go on: kill -CONT ${pid}`);
    return diagnosis;
  });

  because('process-hangs', `it does not accept (${kind})`, async (t) => {
    const path = temporaryPath(t);
    const { pid } = await startProcess(t, `${kind}-hanging`, path);
    const diagnosis = await examine(path, BRIEF);
    t.regex(check(diagnosis, 'connections').detail, /waited for 200 ms to be accepted/u);
    t.true(diagnosis.remedy.includes(`kill -9 ${pid}`));
    return diagnosis;
  });

  because('out-of-descriptors', `ulimit -n (${kind})`, async (t) => {
    const path = temporaryPath(t);
    await startProcess(t, kind, path, ['sh', '-c', 'ulimit -n 50; exec "$@"', 'sh']);
    for (;;) {
      const socket = await hold(t, path);
      // Whether it is kept shows when the next one is made, and that of the last when it is closed.
      const closed = await Promise.race([once(socket, 'close').then(() => true), nextIsMade(t, path)]);
      if (closed) break;
    }
    return examine(path, PATIENT);
  });
}
async function nextIsMade(t: ExecutionContext, path: string): Promise<boolean> {
  const socket = await hold(t, path);
  return Promise.race([
    once(socket, 'close').then(() => true),
    new Promise<boolean>((resolve) => void setTimeout(resolve, 20, false)),
  ]);
}

because('another-namespace', 'a server that hangs in another pid namespace', async (t) => {
  const words = unshare(t, '--pid', '--fork', '--kill-child');
  if (words === undefined) return undefined;
  const path = temporaryPath(t);
  await startProcess(t, 'serve-hanging', path, words);
  const diagnosis = await examine(path, BRIEF);
  t.is(check(diagnosis, 'process').mark, 'unknown');
  return diagnosis;
});

because('backlog-full', 'a server that never accepts', async (t) => {
  const path = temporaryPath(t);
  await makeBusy(t, path);
  return examine(path, BRIEF);
});

because('connections-refused', 'maxConnections', async (t) => {
  const path = temporaryPath(t);
  const server = await served(t, path, { maxConnections: 1 });
  await hold(t, path);
  await eventually(() => server.stats.open === 1, 'the connection is accepted');
  return examine(path, PATIENT);
});

because('not-simple-ipc', 'a server of HTTP', async (t) => {
  const path = temporaryPath(t);
  await listenAt(t, path, createHttpServer());
  const diagnosis = await examine(path, { ...PATIENT, deep: true });
  t.regex(check(diagnosis, 'protocol').detail, /HTTP\/1\.1 400/u);
  return diagnosis;
});
because('not-simple-ipc', 'a server that speaks first', async (t) => {
  const path = temporaryPath(t);
  await listenAt(t, path, speaker('220 welcome'));
  const diagnosis = await examine(path, PATIENT);
  t.regex(check(diagnosis, 'connections').detail, /220 welcome/u);
  return diagnosis;
});
because('not-simple-ipc', 'a server that waits for a line', async (t) => {
  const path = await rawServer(t, (socket) => void socket.resume());
  return examine(path, { ...BRIEF, deep: true });
});

because('connect-failed', 'no descriptor is left to this process', async (t) => {
  const path = temporaryPath(t);
  await startProcess(t, 'plain', path);
  const diagnosis = examineIn(path, {
    before: ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'],
    exhausted: true,
  });
  t.regex(check(diagnosis, 'listening').detail, /EMFILE/u);
  return diagnosis;
});

test('every reason is brought about here', (t) => {
  t.deepEqual([...produced].toSorted(), (Object.keys(REASONS) as Reason[]).toSorted());
});
