/**
 * What goes wrong in a daemon's life: a status that is none, a full disk, a file system that cannot be written, and a
 * signal at any moment of a start. Each ends in an error that says what to do, and a path that the next start can use.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { request, serve, status, stop } from '../../src/index.ts';
import { PUBLISH_STEPS, type PublishStep } from '../../src/runtime/rendezvous/publish.ts';
import { forge, statusFile } from '../doctor/setting.ts';
import { controlled } from '../support/controlled.ts';
import { HANDED, hostServer, spawnHost, type Host } from '../support/host.ts';
import { handedIn } from '../support/handed-in.ts';
import { mount } from '../support/mount.ts';
import { spawnStepper } from '../support/stepper.ts';
import { withoutRights } from '../support/starter.ts';
import { eventually, within } from '../support/serving.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';

const onUnix = process.platform === 'win32' ? test.serial.skip : test.serial;
const isRoot = process.geteuid?.() === 0;

/** All that stands at a path and beside it. */
const left = (path: string) => readdirSync(dirname(path));

/** What may become of a status file, and what is left of it for the next start. */
const STATUSES: Readonly<Record<string, (file: string) => void>> = {
  truncated: (file) => truncateSync(file, 100),
  empty: (file) => truncateSync(file, 0),
  huge: (file) => truncateSync(file, 2 ** 40),
  'a directory': (file) => {
    rmSync(file);
    mkdirSync(file);
  },
  'a FIFO': (file) => {
    rmSync(file);
    spawnSync('mkfifo', [file]);
  },
  'a symbolic link': (file) => {
    writeFileSync(`${dirname(file)}/../../true.json`, readFileSync(file));
    rmSync(file);
    symlinkSync('../../true.json', file);
  },
  'a link to what never ends': (file) => {
    rmSync(file);
    symlinkSync('/dev/zero', file);
  },
  missing: (file) => rmSync(file),
};

for (const [what, spoil] of Object.entries(STATUSES)) {
  onUnix(`a status that is ${what}: nothing is believed of it, and it is in nobody's way`, async (t) => {
    const path = temporaryPath(t);
    const host = await hostServer(t, path);
    const file = statusFile(path);
    spoil(file);
    // Who reads a FIFO, or a file without an end, would not come back.
    await within(t.throwsAsync(status(path), { code: 'SIMPLE_IPC_NO_CONTROL' }), 'status hangs', 5_000);
    await t.throwsAsync(stop(path, { force: true, timeout: 50 }), { code: 'SIMPLE_IPC_NO_CONTROL' });
    await t.throwsAsync(
      serve(path, () => 'new', { takeover: true }),
      { code: 'SIMPLE_IPC_ADDRESS_IN_USE' },
    );
    t.is(await (await request(path, 'pid')).text(), `${host.pid}`, 'it lives');

    await host.signal('SIGKILL');
    t.like(await stop(path), { wasRunning: false });
    const server = await serve(path, () => 'new', { control: true });
    t.is(await (await request(path)).text(), 'new');
    t.like(await status(path), { pid: process.pid, live: { state: 'accepting' } });
    await server.close();
    const rest = left(path).filter((name) => name !== 'true.json');
    // A directory in its place is not of our making, and stays.
    t.deepEqual(rest, what === 'a directory' ? ['test.sock.d'] : []);
  });
}

onUnix('a server whose status is spoilt ends cleanly all the same', async (t) => {
  for (const what of ['truncated', 'a FIFO', 'a symbolic link', 'missing']) {
    const { path, server } = await controlled(t);
    STATUSES[what]!(statusFile(path));
    await server.close();
    t.deepEqual(
      left(path).filter((name) => name !== 'true.json'),
      [],
      what,
    );
  }
});

onUnix('a status of another format is not believed', async (t) => {
  const { path } = await controlled(t);
  for (const lies of [{ format: 2 }, { pid: -1 }, { pid: '1' }, { control: 5 }, { socket: { dev: 1 } }]) {
    const file = statusFile(path);
    const truth = readFileSync(file);
    forge(path, () => lies as object);
    await t.throwsAsync(status(path), { code: 'SIMPLE_IPC_NO_CONTROL' }, JSON.stringify(lies));
    writeFileSync(file, truth);
  }
  t.like(await status(path), { live: { state: 'accepting' } });
});

onUnix('a sidecar of another user, or open to others, is not believed', async (t) => {
  const { path, server } = await controlled(t);
  chmodSync(`${path}.d`, 0o770);
  for (const asked of [() => status(path), () => stop(path), () => serve(path, () => 'new')])
    await t.throwsAsync(asked, { code: 'SIMPLE_IPC_UNTRUSTED_PATH', message: /chmod 700/u });
  chmodSync(`${path}.d`, 0o700);
  if (isRoot) {
    chownSync(`${path}.d`, 65534, 65534);
    for (const asked of [() => status(path), () => stop(path), () => serve(path, () => 'new')])
      await t.throwsAsync(asked, { code: 'SIMPLE_IPC_UNTRUSTED_PATH', message: /belongs to uid 65534/u });
    chownSync(`${path}.d`, 0, 0);
  } else {
    t.log('not tried: only root can give it to another user');
  }
  t.like(await status(path), { live: { state: 'accepting' } });
  t.is(server.state, 'accepting');
});

onUnix('a full disk: the start says so, and the next one works when there is room', async (t) => {
  const directory = mount(t, 'size=16k');
  if (directory === undefined) return void t.pass();
  const path = join(directory, 'test.sock');
  const filler = join(directory, 'filler');
  const host = await spawnHost(t);
  fill(filler, 16_384);
  const error = await t.throwsAsync<Error & { code: string }>(host.serve(path, { control: true }), {
    code: 'SIMPLE_IPC_LISTEN_FAILED',
    message: /ENOSPC.*has room\.$/u,
  });
  t.log(error!.message);
  t.deepEqual(left(path), ['filler']);
  rmSync(filler);
  const server = await host.serve(path, { control: true });
  t.like(await status(path), { live: { state: 'accepting' } });
  // It ends cleanly on a full disk.
  fill(filler, 16_384);
  await server.close();
  t.deepEqual(left(path), ['filler']);
});

onUnix(
  'a full disk beside a socket that is handed in: it serves, without a status or a control endpoint',
  async (t) => {
    const directory = mount(t, 'size=16k');
    if (directory === undefined) return void t.pass();
    const path = join(directory, 'test.sock');
    const [host] = (await handedIn(t, path, {})) as [Host];
    fill(join(directory, 'filler'), 16_384);
    await host.serve(path, { control: true, fd: HANDED });
    t.is(await (await request(path, 'x')).text(), 'x');
    await eventually(() => host.notices.length > 0, 'the notice');
    t.regex(host.notices[0]!, /no status could be written \(ENOSPC/u);
    t.deepEqual(left(path).toSorted(), ['filler', 'test.sock']);
    t.notRegex(
      readFileSync('/proc/net/unix', 'utf8'),
      new RegExp(`${path}\\.d/`, 'u'),
      'nothing listens there',
    );
  },
);

onUnix('no file can be made any more, at any place of the start', async (t) => {
  const host = await spawnHost(t);
  let failures = 0;
  // The root directory is one; the sidecar, the lock, the instance, its socket, control socket, and status are six more.
  for (let inodes = 1; inodes <= 7; inodes++) {
    const directory = mount(t, `nr_inodes=${inodes}`);
    if (directory === undefined) return void t.pass();
    const path = join(directory, 'test.sock');
    const began = performance.now();
    try {
      const server = await host.serve(path, { control: true, lockTimeout: 5_000 });
      await server.close();
    } catch (error) {
      failures++;
      const { code, message } = error as { code: string; message: string };
      t.is(code, 'SIMPLE_IPC_LISTEN_FAILED', message);
      t.regex(message, /ENOSPC/u, `with ${inodes} inodes: ${message}`);
      t.true(performance.now() - began < 4_000, `with ${inodes} inodes it waits for nobody`);
    }
    t.deepEqual(left(path), [], `with ${inodes} inodes`);
  }
  t.true(failures >= 3, `${failures}`);
});

function fill(file: string, bytes: number): void {
  try {
    writeFileSync(file, Buffer.alloc(bytes + 4096));
  } catch {
    // It is full.
  }
}

onUnix(
  'a file system that cannot be written: with what a killed server left there, and without',
  async (t) => {
    for (const before of ['nothing', 'a stale socket']) {
      const directory = mount(t, 'size=1m');
      if (directory === undefined) return void t.pass();
      const path = join(directory, 'test.sock');
      const host = await hostServer(t, path);
      if (before === 'nothing') await host.server.close();
      else await host.signal('SIGKILL');
      remount(directory, 'ro');
      const began = performance.now();
      await t.throwsAsync(
        serve(path, () => 'pong', { control: true }),
        {
          code: 'SIMPLE_IPC_PERMISSION_DENIED',
          message: /EROFS/u,
        },
      );
      t.true(performance.now() - began < 4_000, 'it waits for nobody');
      if (before === 'nothing') {
        t.like(await stop(path), { wasRunning: false });
      } else {
        t.like(await status(path), { process: 'gone', live: null });
        await t.throwsAsync(stop(path), { code: 'SIMPLE_IPC_PERMISSION_DENIED', message: /EROFS/u });
      }
      remount(directory, 'rw');
      const server = await serve(path, () => 'pong', { control: true });
      t.is(await (await request(path)).text(), 'pong');
      await server.close();
      t.deepEqual(left(path), []);
    }
  },
);

onUnix('a server whose file system cannot be written any more serves on, and ends', async (t) => {
  const directory = mount(t, 'size=1m');
  if (directory === undefined) return void t.pass();
  const path = join(directory, 'test.sock');
  const host = await hostServer(t, path, { control: true, lockTimeout: 200 });
  remount(directory, 'ro');
  t.is(await (await request(path, 'x')).text(), 'x');
  t.like(await status(path), { live: { state: 'accepting' } });
  t.is((await host.server.close()).reason, 'closed');
  t.is(host.notices.length, 1);
  t.regex(host.notices[0]!, /was left where it is/u);
  remount(directory, 'rw');
  await host.signal('SIGKILL');
  t.like(await stop(path), { wasRunning: false });
  t.deepEqual(left(path), []);
});

function remount(directory: string, mode: 'ro' | 'rw'): void {
  const { status: code, stderr } = spawnSync('mount', ['-o', `remount,${mode}`, directory], {
    encoding: 'utf8',
  });
  if (code !== 0) throw new Error(stderr);
}

onUnix('a directory that may not be written', async (t) => {
  const directory = temporaryDirectory(t);
  const user = withoutRights(t);
  if (user === undefined) return void t.pass();
  chmodSync(directory, 0o555);
  t.teardown(() => chmodSync(directory, 0o700));
  const path = join(directory, 'test.sock');
  const host = await spawnHost(t, user);
  for (const options of [{ control: true }, { control: true, takeover: true }])
    await t.throwsAsync(host.serve(path, options), {
      code: 'SIMPLE_IPC_PERMISSION_DENIED',
      message: /EACCES.*Use a path in a directory of your own/u,
    });
  t.deepEqual(readdirSync(directory), []);
});

/** Each step of a start, with what it is done beside others: they have nothing to do with one another. */
async function atEachStep(run: (step: PublishStep) => Promise<void>): Promise<void> {
  for (let next = 0; next < PUBLISH_STEPS.length; next += 2)
    await Promise.all(PUBLISH_STEPS.slice(next, next + 2).map(run));
}

// What SIGKILL at each step leaves to the next start: rendezvous.test.ts.
onUnix('a signal at each step of a start: it gives up, or ends what it has begun', async (t) => {
  await atEachStep(async (step) => {
    const path = temporaryPath(t);
    const signal = PUBLISH_STEPS.indexOf(step) % 2 === 0 ? 'SIGTERM' : 'SIGINT';
    const { stdout } = await spawnStepper(t, path, { step, signal });
    // From the time on when it waits for nothing any more, the server is up before it hears the signal.
    const late = ['prepared', 'written', 'renamed', 'unlocked'].includes(step);
    t.regex(stdout, late ? /^(?:closed|SIMPLE_IPC_ABORTED)\n$/u : /^SIMPLE_IPC_ABORTED\n$/u, step);
    t.deepEqual(left(path), [], step);
    const server = await serve(path, () => 'next', { control: true });
    t.is(await (await request(path)).text(), 'next');
    await server.close();
    t.deepEqual(left(path), [], step);
  });
});

onUnix(
  'killed at each step of a takeover: the old one serves on, or the next start has the path',
  async (t) => {
    await atEachStep(async (step) => {
      const path = temporaryPath(t);
      const old = await serve(path, () => 'old', { control: true, pathCheckInterval: 20 });
      t.is((await spawnStepper(t, path, { step, signal: 'SIGKILL', takeover: true })).code, 'SIGKILL');
      const isTaken = ['renamed', 'unlocked'].includes(step);
      // It may have looked while its successor was just dying.
      if (isTaken)
        t.regex((await within(old.closed, 'it did not notice')).reason, /^(?:path-lost|handed-over)$/u);
      else t.is(await (await request(path)).text(), 'old', step);
      const next = await serve(path, () => 'next', { control: true, takeover: true });
      t.is(await (await request(path)).text(), 'next', step);
      if (!isTaken) t.is((await within(old.closed, 'it was not told')).reason, 'handed-over', step);
      await next.close();
      t.deepEqual(left(path), [], step);
    });
  },
);

onUnix('two processes that take over at once, and one of them is killed', async (t) => {
  for (let round = 0; round < 4; round++) {
    const path = temporaryPath(t);
    const old = await serve(path, () => 'old', { control: true, pathCheckInterval: 20 });
    const hosts = await Promise.all([spawnHost(t), spawnHost(t)]);
    const [victim, other] = hosts as [Host, Host];
    const takeover = { control: true, takeover: true, pathCheckInterval: 20 };
    const doomed = victim.serve(path, takeover).catch(() => undefined);
    const serving = other.serve(path, takeover);
    await sleep(round * 5);
    await victim.signal('SIGKILL');
    const survivor = await serving;
    t.not((await within(old.closed, 'the old one did not end')).reason, 'failed');
    // It is at the path, unless the other one had taken it from it before it was killed.
    const reason = await Promise.race([survivor.ended.then((end) => end.reason), pidAt(path)]);
    t.true(reason === other.pid || reason === 'handed-over' || reason === 'path-lost', String(reason));
    void doomed;
    await stop(path);
    await survivor.close();
    t.deepEqual(left(path), [], `round ${round}`);
  }
});

/** The process that answers, or why none does. */
async function pidAt(path: string): Promise<number | string> {
  try {
    return Number(await (await request(path, 'pid', { waitIfMissing: true })).text());
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}
