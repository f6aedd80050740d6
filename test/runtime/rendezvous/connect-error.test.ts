import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import test from 'ava';

import { errnoOf, type SimpleIpcError } from '../../../src/runtime/errors.ts';
import { withAddress } from '../../../src/runtime/rendezvous/address.ts';
import { connectError, stateOf } from '../../../src/runtime/rendezvous/connect-error.ts';
import { makeBusy } from '../../support/busy.ts';
import { leaveStaleSocket } from '../../support/rendezvous.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** The error of a real connect, mapped. */
function failure(path: string): Promise<SimpleIpcError> {
  return new Promise((resolve, reject) => {
    try {
      const socket = withAddress(path, (address) => connect(address));
      socket.on('connect', () => reject(new Error('connected')));
      socket.on('error', (error) => resolve(connectError(error, path)));
    } catch (error) {
      resolve(connectError(error, path));
    }
  });
}

test('nothing there', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const error = await failure(path);
  t.like(error, { code: 'SIMPLE_IPC_PATH_NOT_FOUND', path });
  t.is(errnoOf(error.cause), 'ENOENT');
  t.true(error.message.includes(path));
  t.regex(error.message, /Start the server/);
  t.is(stateOf(error), 'path-not-found');
});

test('a path through a file', async (t) => {
  const file = join(temporaryDirectory(t), 'file');
  writeFileSync(file, '');
  t.is((await failure(join(file, 'app.sock'))).code, 'SIMPLE_IPC_PATH_NOT_FOUND');
});

test('a socket that nobody listens on', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  await leaveStaleSocket(path);
  const error = await failure(path);
  t.is(error.code, 'SIMPLE_IPC_NOT_LISTENING');
  t.is(stateOf(error), 'not-listening');
});

test('what is no socket is told from a socket that nobody listens on', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'directory'));
  writeFileSync(join(directory, 'file'), '');
  for (const name of ['file', 'directory']) {
    const error = await failure(join(directory, name));
    t.is(error.code, 'SIMPLE_IPC_INVALID_PATH');
    t.true(error.message.includes(`a ${name}`));
    t.is(stateOf(error), 'invalid-path');
  }
});

test('links that lead in a circle', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  symlinkSync(path, path);
  t.is((await failure(path)).code, 'SIMPLE_IPC_INVALID_PATH');
});

const onLinux = process.platform === 'linux' ? test : test.skip;
onLinux('a full backlog', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  await makeBusy(t, path);
  const error = await failure(path);
  t.is(error.code, 'SIMPLE_IPC_BUSY');
  t.is(stateOf(error), 'listening');
});

test('a path too long keeps the error it has', async (t) => {
  const error = await failure(`/${'x'.repeat(120)}`);
  t.is(error.code, 'SIMPLE_IPC_PATH_TOO_LONG');
  t.is(connectError(error, 'elsewhere'), error);
  t.is(stateOf(error), 'other-error');
});

test('errors that are hard to come by', (t) => {
  const codes = {
    EACCES: 'SIMPLE_IPC_PERMISSION_DENIED',
    EPERM: 'SIMPLE_IPC_PERMISSION_DENIED',
    ENOTSOCK: 'SIMPLE_IPC_INVALID_PATH',
    EPROTOTYPE: 'SIMPLE_IPC_INVALID_PATH',
    ETIMEDOUT: 'SIMPLE_IPC_NOT_LISTENING',
    ENAMETOOLONG: 'SIMPLE_IPC_PATH_TOO_LONG',
    EMFILE: 'SIMPLE_IPC_CONNECT_FAILED',
    EIO: 'SIMPLE_IPC_CONNECT_FAILED',
  };
  for (const [errno, code] of Object.entries(codes)) {
    const cause = Object.assign(new Error(`connect ${errno}`), { code: errno });
    const error = connectError(cause, '/nowhere/it is');
    t.is(error.code, code as SimpleIpcError['code']);
    t.true(error.message.includes("'/nowhere/it is'"), 'a path is quoted as a shell needs it');
    t.is(error.cause, cause);
  }
});
