import { equal, ok } from 'node:assert/strict';

import test from 'ava';
import * as fc from 'fast-check';

import { encodeMessage, encodePackets, FLUSH, packetHeader } from '../../src/protocol/encode.ts';
import { packet, packetsOf, read } from './reference.ts';

test('the flush packet is 0000', (t) => {
  t.is(FLUSH.toString('latin1'), '0000');
});

test('a header counts itself, in four lower-case hex digits', (t) => {
  for (const [length, header] of [
    [1, '0005'],
    [6, '000a'],
    [0xabc, '0ac0'],
    [65_516, 'fff0'],
  ] as const) {
    t.is(packetHeader(length).toString('latin1'), header);
  }
});

test('every length of data has its header', (t) => {
  for (let length = 1; length <= 65_516; length++) {
    t.is(Number.parseInt(packetHeader(length).toString('latin1'), 16), length + 4);
  }
});

test('no data makes no packet: a sender never emits 0004', (t) => {
  t.is(encodePackets(new Uint8Array(0)).length, 0);
  t.is(encodeMessage(new Uint8Array(0)).toString('latin1'), '0000');
  t.is(encodeMessage('').toString('latin1'), '0000');
});

test('data is cut into packets of 65,516 bytes, and never into an empty one', (t) => {
  for (const [length, sizes] of [
    [1, [1]],
    [65_515, [65_515]],
    [65_516, [65_516]],
    [65_517, [65_516, 1]],
    [131_032, [65_516, 65_516]],
    [131_033, [65_516, 65_516, 1]],
  ] as const) {
    const data = Buffer.alloc(length, 'abc');
    const message = encodeMessage(data);
    const packets = packetsOf(message);
    t.deepEqual(
      packets.map((piece) => piece.length),
      [...sizes],
    );
    t.true(Buffer.concat(packets).equals(data));
    t.true(Buffer.concat([encodePackets(data), FLUSH]).equals(message));
    t.true(message.subarray(-4).equals(FLUSH));
  }
});

test('what is encoded is what a plain writer writes, and a plain reader reads', (t) => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // Around the edges of packets.
    fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: -3, max: 3 }))
      .map(([packets, more]) => new Uint8Array(packets * 65_516 + more).fill(packets)),
  );
  t.notThrows(() =>
    fc.assert(
      fc.property(payload, (data) => {
        const written: Buffer[] = [];
        for (let at = 0; at < data.length; at += 65_516) written.push(packet(data.subarray(at, at + 65_516)));
        const message = encodeMessage(data);
        ok(message.equals(Buffer.concat([...written, FLUSH])));
        ok(encodePackets(data).equals(Buffer.concat(written)));
        const reading = read(message);
        equal(reading.end, message.length);
        ok(reading.data.equals(data));
        equal('terminator' in reading && reading.terminator, 'flush', 'and nothing within ends it');
      }),
      { numRuns: 200 },
    ),
  );
});

test('text is sent as UTF-8', (t) => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    // Lone halves of surrogate pairs too, as in any JavaScript string.
    fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
      .map((units) => String.fromCharCode(...units)),
    // Around the length where encoding in place ends.
    fc
      .tuple(fc.constantFrom('x', 'é', '€', '😀'), fc.integer({ min: 1_360, max: 1_370 }))
      .map(([letter, count]) => letter.repeat(count)),
  );
  t.notThrows(() =>
    fc.assert(
      fc.property(text, (given) => {
        ok(encodeMessage(given).equals(encodeMessage(Buffer.from(given, 'utf8'))));
      }),
      { numRuns: 500 },
    ),
  );
});

test('bytes of any kind of Uint8Array are taken as they are', (t) => {
  const whole = Uint8Array.from([9, 0, 255, 48, 48, 48, 48, 9]);
  const view = whole.subarray(1, 7);
  t.deepEqual(
    [...encodeMessage(view)],
    [...Buffer.from('000a'), 0, 255, 48, 48, 48, 48, ...Buffer.from('0000')],
  );
  view.fill(1);
  t.deepEqual([...encodeMessage(Buffer.from(view))].slice(4, 10), [1, 1, 1, 1, 1, 1]);
});

test('what was encoded is a copy: its source may change', (t) => {
  const source = Buffer.from('abc');
  const message = encodeMessage(source);
  source.fill('x');
  t.is(message.toString('latin1'), '0007abc0000');
});
