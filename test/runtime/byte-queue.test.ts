import test from 'ava';
import * as fc from 'fast-check';
import { ByteQueue } from '../../src/runtime/byte-queue.ts';

const pieces = fc.array(
  fc.oneof(
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 9000 }),
    fc.integer({ min: 1, max: 70_000 }),
  ),
  { maxLength: 60 },
);

test('what goes in comes out, in its order, however it is cut up and read between', (t) => {
  let next = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(pieces, fc.integer({ min: 0, max: 5 })), { maxLength: 6 }), (rounds) => {
      const queue = new ByteQueue();
      const sent: Buffer[] = [];
      const read: Buffer[] = [];
      for (const [sizes, reads] of rounds) {
        for (const size of sizes) {
          const chunk = Buffer.alloc(size + 2, next++ % 251);
          queue.push(chunk, 1, size + 1);
          sent.push(Buffer.from(chunk.subarray(1, size + 1)));
          // The queue's own memory must not change what it gave before.
        }
        for (let n = 0; n < reads; n++) {
          const piece = queue.shift();
          if (piece !== undefined) read.push(piece);
        }
      }
      read.push(queue.concat());
      t.is(queue.length, 0);
      return Buffer.concat(sent).equals(Buffer.concat(read));
    }),
    { numRuns: 200 },
  );
});

test('a million bytes that come one by one are held in about a million bytes', (t) => {
  const queue = new ByteQueue();
  const one = Buffer.from('x');
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 1_000_000; n++) queue.push(one, 0, 1);
  const held = process.memoryUsage().arrayBuffers - before;
  t.true(held < 2_200_000, `${held} bytes`);
  t.is(queue.length, 1_000_000);
  let shifted = 0;
  let count = 0;
  for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
    shifted += piece.length;
    count++;
  }
  t.is(shifted, 1_000_000);
  t.true(count < 50, `${count} pieces`);
});
