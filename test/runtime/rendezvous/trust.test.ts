import { chmodSync, chownSync, lchownSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { checkTrust } from '../../../src/runtime/rendezvous/trust.ts';
import { leaveStaleSocket } from '../../support/rendezvous.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const STRANGER = 65534;
const isRoot = process.geteuid?.() === 0;
/** Only root can give a file to somebody else. */
const asRoot = isRoot ? test : test.skip;
if (!isRoot) test('cases with files of other users were skipped: they take root', (t) => t.pass());

async function socketIn(t: import('ava').ExecutionContext) {
  const directory = join(temporaryDirectory(t), 'inner');
  mkdirSync(directory, 0o700);
  const path = join(directory, 'app.sock');
  await leaveStaleSocket(path);
  return { directory, path };
}

const refused = (message: RegExp) => ({ code: 'SIMPLE_IPC_UNTRUSTED_PATH', message });

test("one's own socket in one's own directory", async (t) => {
  const { path, directory } = await socketIn(t);
  t.notThrows(() => checkTrust(path));
  chmodSync(directory, 0o755);
  t.notThrows(() => checkTrust(path));
});

test('a directory that everybody can write', async (t) => {
  const { path, directory } = await socketIn(t);
  chmodSync(directory, 0o707);
  const error = t.throws(() => checkTrust(path), refused(/mode 707\) can be written by everybody/));
  t.true(error!.message.includes(`chmod o-w ${directory}`));
  t.regex(error!.message, /allowUntrusted: true, or --allow-untrusted/);
});

test('unless it is sticky', async (t) => {
  const { path, directory } = await socketIn(t);
  chmodSync(directory, 0o1777);
  t.notThrows(() => checkTrust(path));
});

test("a directory that a group of one's own can write", async (t) => {
  const { path, directory } = await socketIn(t);
  chmodSync(directory, 0o770);
  t.notThrows(() => checkTrust(path));
});

asRoot('a directory that another group can write', async (t) => {
  const { path, directory } = await socketIn(t);
  chownSync(directory, 0, STRANGER);
  chmodSync(directory, 0o770);
  const error = t.throws(() => checkTrust(path), refused(/mode 770\) can be written by group 65534/));
  t.true(error!.message.includes(`chmod g-w ${directory}`));
  chmodSync(directory, 0o1770);
  t.notThrows(() => checkTrust(path), 'unless it is sticky');
});

asRoot('a socket of another user', async (t) => {
  const { path, directory } = await socketIn(t);
  chownSync(path, STRANGER, STRANGER);
  t.throws(() => checkTrust(path), refused(/The socket .* belongs to uid 65534/));
  chmodSync(directory, 0o1777);
  t.throws(() => checkTrust(path), refused(/The socket/), 'a sticky directory does not help');
});

asRoot('a directory of another user', async (t) => {
  const { path, directory } = await socketIn(t);
  chownSync(directory, STRANGER, STRANGER);
  t.throws(() => checkTrust(path), refused(/The directory .* belongs to uid 65534/));
  chmodSync(directory, 0o1777);
  t.throws(() => checkTrust(path), refused(/The directory/), 'sticky or not');
});

test('links are followed, and the directory of each counts', async (t) => {
  const { path } = await socketIn(t);
  const links = join(temporaryDirectory(t), 'links');
  mkdirSync(links, 0o700);
  symlinkSync(path, join(links, 'absolute'));
  symlinkSync('absolute', join(links, 'relative'));
  t.notThrows(() => checkTrust(join(links, 'relative')));
  chmodSync(links, 0o777);
  t.throws(() => checkTrust(join(links, 'relative')), refused(/\/links \(mode 777\)/));
});

test('links are followed to the directory of the socket', async (t) => {
  const { path, directory } = await socketIn(t);
  const link = join(temporaryDirectory(t), 'link');
  symlinkSync(path, link);
  chmodSync(directory, 0o777);
  t.throws(() => checkTrust(link), refused(/\/inner \(mode 777\)/));
});

asRoot('a link of another user', async (t) => {
  const { path } = await socketIn(t);
  const link = join(temporaryDirectory(t), 'link');
  symlinkSync(path, link);
  lchownSync(link, STRANGER, STRANGER);
  t.throws(() => checkTrust(link), refused(/The symbolic link .* belongs to uid 65534/));
});

test('what is not there is left to the connect', (t) => {
  const directory = temporaryDirectory(t);
  t.notThrows(() => checkTrust(join(directory, 'app.sock')));
  t.notThrows(() => checkTrust(join(directory, 'a', 'app.sock')));
  symlinkSync('circle', join(directory, 'circle'));
  t.notThrows(() => checkTrust(join(directory, 'circle')));
});
