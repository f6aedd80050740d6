import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import test from 'ava';

import { acquireLock } from '../../../src/runtime/rendezvous/lock.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const lockChild = fileURLToPath(new URL('../../support/lock-child.ts', import.meta.url));
const lockSource = new URL('../../../src/runtime/rendezvous/lock.ts', import.meta.url).href;

test('it is exclusive in one process, and waits without blocking', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const first = await acquireLock(path, { lockTimeout: 0 });
  const order: string[] = [];
  const second = acquireLock(path, { lockTimeout: 10_000 }).then((lock) => {
    order.push('second');
    return lock;
  });
  await t.throwsAsync(acquireLock(path, { lockTimeout: 30 }), {
    code: 'SIMPLE_IPC_LOCKED',
    message: /more than 30 ms/,
  });
  order.push('first');
  first.release();
  (await second).release();
  t.deepEqual(order, ['first', 'second']);
});

test('it stands in a directory of this user alone, and leaves nothing behind', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'app.sock');
  const lock = await acquireLock(path, { lockTimeout: 0 });
  t.is(lock.sidecar, `${path}.d`);
  t.is(lstatSync(lock.sidecar).mode & 0o777, 0o700);
  t.deepEqual(readdirSync(lock.sidecar), ['lock']);
  lock.release();
  t.deepEqual(readdirSync(directory), []);
  lock.release();
});

test('what else stands in its directory stays', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const lock = await acquireLock(path, { lockTimeout: 0 });
  writeFileSync(join(lock.sidecar, 'other'), '');
  lock.release();
  t.deepEqual(readdirSync(lock.sidecar), ['other']);
  (await acquireLock(path, { lockTimeout: 0 })).release();
});

test('what a killed process left there is no obstacle', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  mkdirSync(`${path}.d`, 0o700);
  (await acquireLock(path, { lockTimeout: 0 })).release();
  t.false(existsSync(`${path}.d`));
  mkdirSync(`${path}.d`, 0o700);
  writeFileSync(`${path}.d/lock`, '');
  (await acquireLock(path, { lockTimeout: 0 })).release();
  t.false(existsSync(`${path}.d`));
});

test('its directory may be taken away from under it', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const lock = await acquireLock(path, { lockTimeout: 0 });
  rmSync(lock.sidecar, { recursive: true });
  const successor = await acquireLock(path, { lockTimeout: 0 });
  lock.release();
  t.deepEqual(readdirSync(successor.sidecar), ['lock'], "its successor's is left alone");
  successor.release();
});

test('waiting ends with the signal', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const lock = await acquireLock(path, { lockTimeout: 0 });
  const controller = new AbortController();
  const waiting = acquireLock(path, { lockTimeout: 60_000, signal: controller.signal });
  controller.abort(new Error('enough'));
  const error = await t.throwsAsync(waiting, { code: 'SIMPLE_IPC_ABORTED', message: /enough/ });
  t.is(error!.cause, controller.signal.reason);
  lock.release();
  await t.throwsAsync(acquireLock(path, { lockTimeout: 0, signal: controller.signal }), {
    code: 'SIMPLE_IPC_ABORTED',
  });
  t.false(existsSync(lock.sidecar));
});

test('a directory that others can use is refused', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  mkdirSync(`${path}.d`);
  chmodSync(`${path}.d`, 0o750);
  await t.throwsAsync(acquireLock(path, { lockTimeout: 0 }), {
    code: 'SIMPLE_IPC_UNTRUSTED_PATH',
    message: /mode 750\).*chmod 700/,
  });
});

test('what is no directory is refused', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'elsewhere'), 0o700);
  symlinkSync('elsewhere', join(directory, 'a.d'));
  writeFileSync(join(directory, 'b.d'), '');
  for (const name of ['a', 'b']) {
    await t.throwsAsync(acquireLock(join(directory, name), { lockTimeout: 0 }), {
      code: 'SIMPLE_IPC_UNTRUSTED_PATH',
      message: /is no directory/,
    });
  }
});

test('a directory of another user is refused', async (t) => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: only root can give a directory away');
    return void t.pass();
  }
  const path = join(temporaryDirectory(t), 'app.sock');
  mkdirSync(`${path}.d`, 0o700);
  chownSync(`${path}.d`, 65534, 65534);
  await t.throwsAsync(acquireLock(path, { lockTimeout: 0 }), {
    code: 'SIMPLE_IPC_UNTRUSTED_PATH',
    message: /belongs to uid 65534/,
  });
});

test('a missing directory, and one that cannot be', async (t) => {
  const directory = temporaryDirectory(t);
  await t.throwsAsync(acquireLock(join(directory, 'a', 'app.sock'), { lockTimeout: 0 }), {
    code: 'SIMPLE_IPC_PATH_NOT_FOUND',
    message: /mkdir -m 700 -p .*\/a$/,
  });
  writeFileSync(join(directory, 'file'), '');
  await t.throwsAsync(acquireLock(join(directory, 'file', 'app.sock'), { lockTimeout: 0 }), {
    code: 'SIMPLE_IPC_PATH_NOT_FOUND',
    message: /is no directory/,
  });
  await t.throwsAsync(acquireLock(join(directory, 'x'.repeat(254)), { lockTimeout: 0 }), {
    code: 'SIMPLE_IPC_PATH_TOO_LONG',
  });
  await t.throwsAsync(acquireLock(`/${'x/'.repeat(300)}app.sock`, { lockTimeout: 0 }), {
    code: 'SIMPLE_IPC_PATH_TOO_LONG',
    message: /at most 503/,
  });
});

test('a file of that name that is no lock is named', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  mkdirSync(`${path}.d`, 0o700);
  writeFileSync(`${path}.d/lock`, 'somebody else wrote this'.repeat(100));
  await t.throwsAsync(acquireLock(path, { lockTimeout: 0 }), {
    code: 'SIMPLE_IPC_LISTEN_FAILED',
    message: /app\.sock\.d\/lock .*not a database/,
  });
  t.deepEqual(readdirSync(`${path}.d`), ['lock']);
});

test('many processes that contend, each removing it, never hold it at once', async (t) => {
  t.timeout(60_000);
  const directory = temporaryDirectory(t);
  const path = join(directory, 'app.sock');
  const run = () =>
    promisify(execFile)(process.execPath, [lockChild, path, join(directory, 'witness'), '150']);
  const outputs = await Promise.all(Array.from({ length: 8 }, run));
  t.deepEqual(
    outputs.map(({ stdout }) => stdout.trim()),
    Array(8).fill('0'),
  );
  t.deepEqual(readdirSync(directory), []);
});

test('the kernel frees it when its holder is killed', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const script = `
    import { acquireLock } from ${JSON.stringify(lockSource)};
    await acquireLock(process.argv[1], { lockTimeout: 0 });
    process.kill(process.pid, 'SIGKILL');`;
  t.throws(() => execFileSync(process.execPath, ['--input-type=module', '-e', script, path]), {
    message: /Command failed/,
  });
  t.deepEqual(readdirSync(`${path}.d`), ['lock']);
  (await acquireLock(path, { lockTimeout: 0 })).release();
  t.false(existsSync(`${path}.d`));
});

test('no warning of SQLite reaches the user, and others do', (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const script = `
    import { acquireLock } from ${JSON.stringify(lockSource)};
    process.on('warning', (warning) => console.log(warning.message));
    (await acquireLock(process.argv[1], { lockTimeout: 0 })).release();
    process.emitWarning('SQLite is mentioned', 'ExperimentalWarning');`;
  const output = execFileSync(
    process.execPath,
    ['--no-warnings', '--input-type=module', '-e', script, path],
    { encoding: 'utf8' },
  );
  // Node 22 has one of its own for running TypeScript.
  const said = output.split('\n').filter((line) => line !== '' && !line.startsWith('Type Stripping'));
  t.deepEqual(said, ['SQLite is mentioned']);
});
