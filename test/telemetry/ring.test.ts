import test from 'ava';
import * as fc from 'fast-check';
import { Ring } from '../../src/telemetry/ring.ts';

test('it holds a power of two of records', (t) => {
  for (const [asked, got] of [
    [1, 1],
    [3, 4],
    [32_768, 32_768],
  ] as const)
    t.is(new Ring(asked).capacity, got);
});

test('what one side puts in, the other takes out, in order; a full one takes no more', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.boolean(), { maxLength: 200 }),
      (records, putsIn) => {
        const writer = new Ring(records);
        const reader = new Ring(writer.buffer);
        const model: number[] = [];
        let next = 1;
        for (const put of putsIn) {
          if (put) {
            const record = writer.reserve();
            t.is(record < 0, model.length === writer.capacity);
            if (record < 0) continue;
            writer.words[record * 32] = next;
            writer.publish();
            model.push(next);
            next += 1;
          } else {
            const record = reader.oldest();
            t.is(record < 0 ? undefined : reader.words[record * 32], model.shift());
            if (record >= 0) reader.release();
          }
          t.is(writer.waiting, model.length);
          t.is(reader.waiting, model.length);
        }
      },
    ),
  );
});

test('its numbers may wrap round', (t) => {
  const { buffer } = new Ring(4);
  // The header's words for head and tail, just before they become negative.
  const header = new Int32Array(buffer, 0, 64);
  header[0] = 2 ** 31 - 2;
  header[16] = 2 ** 31 - 2;
  const [writer, reader] = [new Ring(buffer), new Ring(buffer)];
  for (let round = 0; round < 3; round += 1) {
    for (let count = 0; count < 4; count += 1) {
      t.true(writer.reserve() >= 0);
      writer.publish();
    }
    t.true(writer.reserve() < 0);
    for (let count = 0; count < 4; count += 1) {
      t.true(reader.oldest() >= 0);
      reader.release();
    }
    t.true(reader.oldest() < 0);
  }
});

test('both sides see the counters, and what has been freed', (t) => {
  const one = new Ring(4);
  const other = new Ring(one.buffer);
  other.count('exported', 3);
  other.count('exported', 2 ** 33);
  one.count('queueFull', 2);
  other.free(10);
  other.free(5);
  t.is(one.counted('exported'), 2 ** 33 + 3);
  t.is(other.counted('queueFull'), 2);
  t.is(one.counted('exportFailed'), 0);
  t.is(one.freed, 15);
});
