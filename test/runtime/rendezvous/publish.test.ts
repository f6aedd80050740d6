import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';

import test from 'ava';

import { instanceAt } from '../../../src/runtime/rendezvous/instances.ts';
import { acquireLock } from '../../../src/runtime/rendezvous/lock.ts';
import { publish, PUBLISH_STEPS, type PublishStep } from '../../../src/runtime/rendezvous/publish.ts';
import { makeBusy } from '../../support/busy.ts';
import {
  ask,
  closed,
  leaveStaleSocket,
  listenAt,
  longName,
  PUBLISHING,
  publishSpeaker,
  speaker,
} from '../../support/rendezvous.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { spawnStarter } from '../../support/starter.ts';

const options = PUBLISHING;
const onLinux = process.platform === 'linux' ? test : test.skip;

test('a server takes a path, keeps it alone, and leaves nothing behind', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'app.sock');
  const steps: PublishStep[] = [];
  const { publication, stop } = await publishSpeaker(t, path, 'it', {
    onStep: (step) => steps.push(step),
  });
  t.deepEqual(steps, [...PUBLISH_STEPS]);
  t.is(publication.path, path);
  t.is(await ask(path), 'it');
  t.true(await publication.stands());
  t.deepEqual(readdirSync(directory), ['app.sock', 'app.sock.d']);
  const [instance, ...others] = readdirSync(`${path}.d`);
  t.deepEqual(others, [], 'nobody holds the lock while it serves');
  t.deepEqual(readdirSync(join(`${path}.d`, instance!)), ['status.json']);
  t.deepEqual(instanceAt(path), publication.status);
  await stop();
  t.deepEqual(readdirSync(directory), []);
  t.false(await publication.stands());
});

test('a relative path is made absolute once', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const relative = `${'../'.repeat(50)}${path.slice(1)}`;
  const { publication } = await publishSpeaker(t, relative, 'it');
  t.is(publication.path, `${process.cwd()}/${relative}`);
  t.is(await ask(path), 'it');
});

for (const umask of [0o000, 0o077, 0o022]) {
  test(`its mode is 0600 from the first moment, under umask ${umask.toString(8)}`, async (t) => {
    const path = join(temporaryDirectory(t), 'app.sock');
    const starter = await spawnStarter(t);
    t.like(await starter.tell({ type: 'start', path, umask, killAt: 'renamed' }), { type: 'killed' });
    t.is(lstatSync(path).mode & 0o777, 0o600);
  });
}

test('until then nobody but its user can reach it', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const starter = await spawnStarter(t);
  await starter.tell({ type: 'start', path, umask: 0, killAt: 'bound' });
  const instances = readdirSync(`${path}.d`).filter((name) => name !== 'lock');
  t.is(instances.length, 1);
  t.is(lstatSync(`${path}.d`).mode & 0o777, 0o700);
  t.is(lstatSync(join(`${path}.d`, instances[0]!)).mode & 0o777, 0o700);
});

test('a socket that nobody listens on is replaced', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  await leaveStaleSocket(path);
  await publishSpeaker(t, path, 'new');
  t.is(await ask(path), 'new');
});

test('a server that lives is left alone', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'app.sock');
  await listenAt(t, path, speaker('old'));
  const before = lstatSync(path);
  const server = speaker('new');
  const error = await t.throwsAsync(publish(server, path, options), {
    code: 'SIMPLE_IPC_ADDRESS_IN_USE',
    message: /listens at .*app\.sock already/,
  });
  t.like(error, { path });
  t.is(lstatSync(path).ino, before.ino);
  t.is(await ask(path), 'old');
  t.false(server.listening);
  t.deepEqual(readdirSync(directory), ['app.sock']);
});

onLinux('so is one whose backlog is full', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  await makeBusy(t, path);
  await t.throwsAsync(publish(createServer(), path, options), { code: 'SIMPLE_IPC_ADDRESS_IN_USE' });
});

test('what is no socket is left alone', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'd'));
  writeFileSync(join(directory, 'f'), 'kept');
  symlinkSync('f', join(directory, 'l'));
  const kinds = { d: 'a directory', f: 'a file', l: 'a symbolic link' };
  for (const [name, kind] of Object.entries(kinds)) {
    const error = await t.throwsAsync(publish(createServer(), join(directory, name), options), {
      code: 'SIMPLE_IPC_INVALID_PATH',
    });
    t.true(error!.message.includes(`stands ${kind}, not a socket. Choose another path, or move it`));
  }
  t.deepEqual(readdirSync(directory), ['d', 'f', 'l']);
  t.is(readFileSync(join(directory, 'l'), 'utf8'), 'kept');
});

test('a directory that is missing is named, with the command that makes it', async (t) => {
  const directory = join(temporaryDirectory(t), "it's missing");
  const error = await t.throwsAsync(publish(createServer(), join(directory, 'app.sock'), options), {
    code: 'SIMPLE_IPC_PATH_NOT_FOUND',
  });
  t.true(error!.message.endsWith(`mkdir -m 700 -p '${directory.replace("'", "'\\''")}'`));
});

// The limit of an address is 107 bytes; the name that it is bound to first is longer.
for (const bytes of [60, 80, 107, 108, 151, 250, 450]) {
  onLinux(`a path of ${bytes} bytes`, async (t) => {
    const directory = temporaryDirectory(t);
    const path = longName(directory, 'app.sock', bytes);
    t.is(Buffer.byteLength(path), bytes);
    mkdirSync(dirname(path), { recursive: true });
    await leaveStaleSocket(join(directory, 's'));
    renameSync(join(directory, 's'), path);
    const first = await publishSpeaker(t, path, 'first');
    t.is(await ask(path), 'first');
    t.is(lstatSync(path).mode & 0o777, 0o600);
    await t.throwsAsync(publish(createServer(), path, options), { code: 'SIMPLE_IPC_ADDRESS_IN_USE' });
    await first.stop();
    t.deepEqual(readdirSync(dirname(path)), []);
  });
}

test('a path whose last part is too long', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'x'.repeat(150));
  await t.throwsAsync(publish(createServer(), path, options), { code: 'SIMPLE_IPC_PATH_TOO_LONG' });
  t.deepEqual(readdirSync(directory), []);
});

test('closing never touches what took the path meanwhile', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'app.sock');
  const first = await publishSpeaker(t, path, 'first');
  unlinkSync(path);
  t.false(await first.publication.stands());
  const second = await publishSpeaker(t, path, 'second');
  t.false(await first.publication.stands());
  await first.publication.giveUp();
  t.is(await ask(path), 'second');
  await first.stop();
  t.is(await ask(path), 'second');
  t.true(await second.publication.stands());
});

test('nor does closing without giving up', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const first = await publishSpeaker(t, path, 'first');
  unlinkSync(path);
  await publishSpeaker(t, path, 'second');
  await closed(first.server);
  t.is(await ask(path), 'second');
});

test('nor does it touch what a later server is just staging', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const first = await publishSpeaker(t, path, 'first');
  unlinkSync(path);
  // libuv unlinks the name that was bound first, within the call.
  await publishSpeaker(t, path, 'second', {
    onStep: (step) => void (step === 'bound' && first.server.close()),
  });
  t.is(await ask(path), 'second');
});

onLinux('a long name that was bound leads to its own directory until the server has closed', async (t) => {
  const directory = temporaryDirectory(t);
  const path = longName(directory, 'app.sock', 200);
  mkdirSync(dirname(path), { recursive: true });
  const { server, publication } = await publishSpeaker(t, path, 'it');
  const descriptor = dirname(server.address() as string);
  const leadsTo = () => readlinkOf(descriptor);
  const staging = leadsTo();
  t.regex(staging, /app\.sock\.d\/\d+-\w{6}$/);

  // With the number free, one of these would get it, and the file in it would be unlinked at close.
  const other = join(directory, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'app.sock'), 'not a socket');
  const descriptors = Array.from({ length: 20 }, () => openSync(other, 'r'));
  await closed(server);
  t.is(leadsTo(), staging);
  publication.release();
  t.not(leadsTo(), staging);
  for (const opened of descriptors) closeSync(opened);
  t.is(readFileSync(join(other, 'app.sock'), 'utf8'), 'not a socket');
  t.true(existsSync(path), 'it was not given up');
});

function readlinkOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

test('giving up twice is giving up once', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const { publication } = await publishSpeaker(t, path, 'first');
  await Promise.all([publication.giveUp(), publication.giveUp()]);
  const second = await publishSpeaker(t, path, 'second');
  await publication.giveUp();
  t.true(await second.publication.stands());
});

test('without the lock the path is left alone, and that is told', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const notices: string[] = [];
  const { publication } = await publishSpeaker(t, path, 'it', {
    lockTimeout: 30,
    onNotice: (message) => notices.push(message),
  });
  const lock = await acquireLock(path, { lockTimeout: 1000 });
  await publication.giveUp();
  lock.release();
  t.true(await publication.stands());
  t.is(notices.length, 1);
  t.regex(notices[0]!, /app\.sock was left where it is .*more than 30 ms/);
});

test("git's lock is waited for", async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const notices: string[] = [];
  writeFileSync(`${path}.lock`, '');
  await publishSpeaker(t, path, 'it', {
    onNotice: (message) => notices.push(message),
    onStep(step) {
      // It looks at once, and again after a while.
      if (step === 'swept') queueMicrotask(() => unlinkSync(`${path}.lock`));
      if (step === 'looked') t.false(existsSync(`${path}.lock`));
    },
  });
  t.deepEqual(notices, []);
});

test("git's lock is passed over when it stays, told, and left", async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const notices: string[] = [];
  writeFileSync(`${path}.lock`, '');
  await publishSpeaker(t, path, 'it', { onNotice: (message) => notices.push(message) });
  t.is(notices.length, 1);
  t.regex(notices[0]!, /app\.sock\.lock .*rm .*app\.sock\.lock$/);
  t.true(existsSync(`${path}.lock`));
  t.is(await ask(path), 'it');
});

test('what a process left that is gone is swept, and nothing else', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const notices: string[] = [];
  const sidecar = `${path}.d`;
  const gone = await goneProcess();
  const make = (name: string) => mkdirSync(join(sidecar, name), { recursive: true, mode: 0o700 });
  make(`${gone}-socket`);
  await leaveStaleSocket(join(sidecar, `${gone}-socket`, 'app.sock'));
  make(`${gone}-empty1`);
  make(`${gone}-broken`);
  writeFileSync(join(sidecar, `${gone}-broken`, 'status.json'), '{"format":1,"pid"');
  writeFileSync(join(sidecar, `${gone}-broken`, 'status.json~'), '');
  make(`${gone}-strang`);
  make(`${gone}-strang/deep`);
  writeFileSync(join(sidecar, `${gone}-isfile`), '');
  make(`${process.pid}-makes1`);
  make('of-others');
  const { publication } = await publishSpeaker(t, path, 'it', {
    onNotice: (message) => notices.push(message),
  });
  const own = basename(dirname(publication.status!.boundAs));
  t.deepEqual(
    readdirSync(sidecar).toSorted(),
    [`${gone}-isfile`, `${gone}-strang`, `${process.pid}-makes1`, 'of-others', own].toSorted(),
  );
  t.deepEqual(readdirSync(join(sidecar, `${gone}-strang`)), ['deep']);
  t.is(notices.length, 2);
  t.regex(notices.join('\n'), /isfile was left/);
  t.regex(notices.join('\n'), /strang was left/);
});

/** The pid of a process that has ended. */
async function goneProcess(): Promise<number> {
  const child = spawn('true', { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid!;
}

for (const step of ['locked', 'swept', 'looked', 'made', 'bound', 'restricted', 'prepared'] as const) {
  test(`aborted after it has ${step}, it leaves nothing`, async (t) => {
    const directory = temporaryDirectory(t);
    const path = join(directory, 'app.sock');
    const controller = new AbortController();
    const server = createServer();
    const error = await t.throwsAsync(
      publish(server, path, {
        ...options,
        signal: controller.signal,
        onStep(made) {
          if (made === step) controller.abort(new Error('enough'));
        },
      }),
      { code: 'SIMPLE_IPC_ABORTED', message: /enough/ },
    );
    t.is(error!.cause, controller.signal.reason);
    t.false(server.listening);
    t.deepEqual(readdirSync(directory), []);
  });
}

test('who takes the path without the lock, in the last instant, keeps it', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'app.sock');
  const rival = speaker('rival');
  t.teardown(() => rival.close());
  const server = createServer();
  await t.throwsAsync(
    publish(server, path, {
      ...options,
      onStep(step) {
        if (step === 'restricted') rival.listen(path);
      },
    }),
    { code: 'SIMPLE_IPC_ADDRESS_IN_USE' },
  );
  t.is(await ask(path), 'rival');
  t.false(server.listening);
  t.deepEqual(readdirSync(directory), ['app.sock']);
});

test('a failure of the system leaves nothing', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'app.sock');
  const server = createServer();
  await t.throwsAsync(
    publish(server, path, {
      ...options,
      onStep(step) {
        if (step !== 'bound') return;
        const instance = readdirSync(`${path}.d`).find((name) => name !== 'lock');
        rmSync(join(`${path}.d`, instance!), { recursive: true });
      },
    }),
    { code: 'SIMPLE_IPC_LISTEN_FAILED', message: /could not listen at .*ENOENT/ },
  );
  t.false(server.listening);
  t.deepEqual(readdirSync(directory), []);
});

test('servers in one process take their turns', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => publishSpeaker(t, path, String(index))),
  );
  const winners = outcomes.filter(({ status }) => status === 'fulfilled');
  t.is(winners.length, 1);
  t.is(await ask(path), String(outcomes.indexOf(winners[0]!)));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') t.is(outcome.reason.code, 'SIMPLE_IPC_ADDRESS_IN_USE');
  }
});
