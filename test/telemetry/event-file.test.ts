import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import test from 'ava';
import { openEventFile } from '../../src/telemetry/event-file.ts';
import { temporaryDirectory } from '../support/temporary.ts';

function write(file: Writable, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    file.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

test('a file is added to', async (t) => {
  const path = join(temporaryDirectory(t), 'events');
  writeFileSync(path, 'one\n');
  const file = await openEventFile(path);
  await write(file, 'two\n');
  file.destroy();
  t.is(readFileSync(path, 'utf8'), 'one\ntwo\n');
});

test('a FIFO is opened only where somebody reads it', async (t) => {
  const path = join(temporaryDirectory(t), 'fifo');
  execFileSync('mkfifo', [path]);
  await t.throwsAsync(openEventFile(path), { code: 'ENXIO' });
});

test('a full FIFO is waited for, and no thread stands still meanwhile', async (t) => {
  const path = join(temporaryDirectory(t), 'fifo');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const file = await openEventFile(path);
  t.teardown(() => file.destroy());
  // Each write tells of its own error, too.
  file.on('error', () => undefined);
  // More than a pipe holds.
  const data = Buffer.alloc(2 ** 20, 'x');
  let done = false;
  const written = write(file, data).then(() => (done = true));
  await Promise.all(Array.from({ length: 8 }, () => stat(path)));
  t.false(done);

  const into = Buffer.alloc(65_536);
  let received = 0;
  while (received < data.length) {
    try {
      received += readSync(reader, into);
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await written;
  t.is(received, data.length);
  closeSync(reader);
  await t.throwsAsync(write(file, 'more'), { code: 'EPIPE' });
});
