import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chdir } from 'node:process';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { request, serve } from 'simple-ipc';
import { pipeNameOf, temporaryPath, within } from './support.js';

const path = temporaryPath();
assert.match(path, /^[A-Z]:\\/);

const pipe = pipeNameOf(path);
assert.match(pipe, /^\\\\\.\\pipe\\[A-Z]_\\.*\\test\.ipc$/);

async function answersAt(name) {
  const socket = connect(name);
  let received = '';
  socket.setEncoding('latin1').on('data', (text) => (received += text));
  socket.write('0000');
  await within(once(socket, 'close'), `${name} answers`);
  return received;
}

const server = await serve(path, () => 'pong');
assert.equal(await answersAt(pipe), '0008pong0000');
// All of these are the same pipe.
chdir(dirname(path));
for (const other of [
  'test.ipc',
  './test.ipc',
  path.replaceAll('\\', '/'),
  `${dirname(path)}\\x\\..\\test.ipc`,
  pipe,
]) {
  assert.equal(await (await request(other)).text(), 'pong', other);
}
chdir(tmpdir());
await server.close();

// A server may be asked for a pipe by its own name.
const named = await serve('\\\\.\\pipe\\simple-ipc-test-name', () => 'named');
assert.equal(await answersAt('\\\\.\\pipe\\simple-ipc-test-name'), '0009named0000');
await named.close();

// A long path is no hindrance, nor one with spaces, umlauts and brackets.
const long = temporaryPath(`${'a long name '.repeat(12)}.ipc`);
const odd = temporaryPath('Über [eins] & zwei (3).ipc');
for (const one of [long, odd]) {
  mkdirSync(dirname(one), { recursive: true });
  const other = await serve(one, () => 'pong');
  assert.equal(await (await request(one)).text(), 'pong', one);
  await other.close();
}
