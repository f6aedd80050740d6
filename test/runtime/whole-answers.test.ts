import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'ava';
import { serve } from '../../src/index.ts';
import { temporaryPath } from '../support/temporary.ts';

/** Around the limits of one write, of a packet, and of what is handed to the kernel at once. */
const LENGTHS = [0, 1, 16_384, 65_516, 131_032, 262_064, 524_128, 3 * 262_064 + 16_384].flatMap((length) =>
  [length - 1, length, length + 1].filter((each) => each >= 0),
);

/** The data of a message that is over with the last byte; anything else fails. */
function dataOf(message: Buffer): Buffer {
  const data: Buffer[] = [];
  for (let at = 0; ;) {
    const length = Number.parseInt(message.toString('latin1', at, at + 4), 16);
    if (length === 0 && at + 4 === message.length) return Buffer.concat(data);
    if (!(length > 4) || at + length > message.length)
      throw new Error(`No packet at ${at} of ${message.length}.`);
    data.push(message.subarray(at + 4, at + length));
    at += length;
  }
}

/** Asks, and reads to the end: as it comes, or a little at a time, so that the kernel never takes all at once. */
async function ask(path: string, slowly: boolean): Promise<Buffer> {
  const socket = connect(path);
  const read: Buffer[] = [];
  socket.write('0008ping0000');
  socket.on('data', (chunk: Buffer) => {
    read.push(chunk);
    if (slowly) {
      socket.pause();
      setImmediate(() => socket.resume());
    }
  });
  await once(socket, 'close');
  return dataOf(Buffer.concat(read));
}

for (const slowly of [false, true]) {
  test(`answers of any length are whole${slowly ? ', for a slow reader too' : ''}`, async (t) => {
    const path = temporaryPath(t);
    let answer: string | Uint8Array = '';
    const server = await serve(path, () => answer);
    t.teardown(() => server.close());

    for (const length of LENGTHS) {
      const bytes = Buffer.alloc(length, '0123456789abcdefg');
      answer = bytes;
      t.true((await ask(path, slowly)).equals(bytes), `${length} bytes`);
      const inside = new Uint8Array(new ArrayBuffer(length + 32), 16, length);
      inside.set(bytes);
      answer = inside;
      t.true((await ask(path, slowly)).equals(bytes), `${length} bytes inside of others`);
      // Three bytes each in UTF-8.
      answer = '€'.repeat(Math.ceil(length / 3));
      t.is((await ask(path, slowly)).toString('utf8'), answer, `${length} bytes of text`);
    }
    t.is(server.stats.ended.answered, LENGTHS.length * 3);
  });
}

test('a client that leaves in the middle of a long answer is told from one that has it', async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => Buffer.alloc(3_000_000));
  t.teardown(() => server.close());

  for (let client = 0; client < 20; client++) {
    const socket = connect(path);
    socket.write('0008ping0000');
    await once(socket, 'data');
    socket.destroy();
    await once(socket, 'close');
  }
  t.is((await ask(path, false)).length, 3_000_000);
  await server.close();
  t.is(server.stats.ended['hung-up'], 20);
  t.is(server.stats.ended.answered, 1);
});
