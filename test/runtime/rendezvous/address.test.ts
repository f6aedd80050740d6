import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';

import test from 'ava';

import type { SimpleIpcError } from '../../../src/index.ts';
import { withAddress } from '../../../src/runtime/rendezvous/address.ts';
import { ask, longName, publishSpeaker } from '../../support/rendezvous.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const onLinux = process.platform === 'linux' ? test : test.skip;
const same = (address: string) => address;
const SOURCE = new URL('../../../src/runtime/rendezvous/address.ts', import.meta.url).href;

test('a path that fits is its own address', (t) => {
  const here = '/'.padEnd(107, 'x');
  t.is(withAddress(here, same, 'linux'), here);
  const elsewhere = '/'.padEnd(103, 'x');
  t.is(withAddress(elsewhere, same, 'darwin'), elsewhere);
});

test('a name that alone is too long is refused, and what counts are its bytes', (t) => {
  const path = `/${'ü'.repeat(60)}`;
  const expected = { code: 'SIMPLE_IPC_PATH_TOO_LONG', message: /121 bytes.*Choose a shorter name/ };
  t.throws(() => withAddress(path, same, 'darwin'), expected);
  if (process.platform === 'linux') t.throws(() => withAddress(path, same, 'linux'), expected);
});

onLinux('a longer path leads through a descriptor, which is closed afterwards', async (t) => {
  const path = longName(temporaryDirectory(t), 'app.sock', 250);
  mkdirSync(dirname(path), { recursive: true });
  await publishSpeaker(t, path, 'long');
  const target = (address: string) => {
    t.regex(address, /^\/proc\/self\/fd\/\d+\/app\.sock$/);
    return { descriptor: dirname(address), directory: readlinkSync(dirname(address)) };
  };
  const { descriptor, directory } = withAddress(path, (address) => target(address));
  t.is(directory, dirname(path));
  // Another thread may have the number by now.
  t.not(existsSync(descriptor) && readlinkSync(descriptor), dirname(path));
  t.is(await ask(path), 'long');
});

onLinux('a longer path whose directory is missing fails as connect does', (t) => {
  const path = longName(temporaryDirectory(t), 'app.sock', 150);
  t.throws(() => withAddress(path, same), { code: 'ENOENT' });
});

test('without /proc it takes a change of directory, which a worker thread cannot make', async (t) => {
  const path = longName(temporaryDirectory(t), 'app.sock', 150);
  mkdirSync(dirname(path), { recursive: true });
  const script = `
    const { withAddress } = await import(${JSON.stringify(SOURCE)});
    withAddress(require('node:worker_threads').workerData, (address) => address, 'darwin');`;
  const worker = new Worker(`(async () => {${script}})()`, { eval: true, workerData: path });
  const [error] = (await once(worker, 'error')) as [SimpleIpcError];
  t.is(error.code, 'SIMPLE_IPC_PATH_TOO_LONG');
  t.regex(error.message, /worker thread.*main thread, or choose a shorter path/);
});

test('the change of directory lasts for the call', (t) => {
  const path = longName(temporaryDirectory(t), 'app.sock', 150);
  mkdirSync(dirname(path), { recursive: true });
  const script = `
    import { withAddress } from ${JSON.stringify(SOURCE)};
    const during = withAddress(process.argv[1], (address) => [address, process.cwd()], 'darwin');
    console.log(JSON.stringify([...during, process.cwd()]));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script, path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.deepEqual(JSON.parse(output), ['app.sock', dirname(path), process.cwd()]);
});

test('a pipe has no such limit', (t) => {
  const path = `C:\\${'x'.repeat(200)}\\app`;
  t.is(withAddress(path, same, 'win32'), `\\\\.\\pipe\\C_\\${'x'.repeat(200)}\\app`);
});
