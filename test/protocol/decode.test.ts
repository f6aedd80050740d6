import { equal, ok } from 'node:assert/strict';
import { PerformanceObserver } from 'node:perf_hooks';

import test from 'ava';
import * as fc from 'fast-check';

import { Decoder, MALFORMED, MORE, type DataSink } from '../../src/protocol/decode.ts';
import { packet, read } from './reference.ts';

const FLUSH = Buffer.from('0000');

interface Decoded {
  /** Where the message ended, in all that was given; or `MORE`, or `MALFORMED`. */
  readonly end: number;
  readonly data: Buffer;
  readonly decoder: Decoder;
}

/** Decodes what it is given chunk by chunk, until the message ends. */
function decode(chunks: readonly Buffer[]): Decoded {
  const decoder = new Decoder();
  const data: Buffer[] = [];
  const sink: DataSink = {
    data(chunk, start, end) {
      if (end <= start) throw new Error('a sink is never given nothing');
      data.push(Buffer.from(chunk.subarray(start, end)));
    },
  };
  let before = 0;
  let end = MORE;
  for (const chunk of chunks) {
    end = decoder.decode(chunk, sink);
    if (end !== MORE) break;
    before += chunk.length;
  }
  return { end: end >= 0 ? before + end : end, data: Buffer.concat(data), decoder };
}

const decodeText = (text: string): Decoded => decode([Buffer.from(text, 'latin1')]);

/** Cuts a buffer at the given fractions of its length. */
function cut(bytes: Buffer, fractions: readonly number[]): Buffer[] {
  const cuts = fractions.map((fraction) => Math.floor(fraction * (bytes.length + 1)));
  const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
}

const everyByte = (bytes: Buffer): Buffer[] => [...bytes].map((byte) => Buffer.from([byte]));
const fractions = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 12 });

for (const [name, ending] of [
  ['flush', '0000'],
  ['delimiter', '0001'],
  ['response-end', '0002'],
  ['empty', '0004'],
] as const) {
  test(`${ending} ends a message: ${name}`, (t) => {
    const { end, data, decoder } = decodeText(`0009hello${ending}0005!`);
    t.is(end, 13);
    t.is(data.toString(), 'hello');
    t.is(decoder.terminator, name);
    t.is(decoder.problem, undefined);
    t.is(decoder.packets, 1);
    t.is(decoder.bytes, 5);
  });
}

test('an empty message is one terminator', (t) => {
  const { end, data, decoder } = decode([FLUSH]);
  t.is(end, 4);
  t.is(data.length, 0);
  t.is(decoder.packets, 0);
});

test('0003 is malformed, and the message names it', (t) => {
  const { end, decoder } = decodeText('0003');
  t.is(end, MALFORMED);
  t.is(decoder.terminator, undefined);
  t.regex(decoder.problem ?? '', /length 0003 \(hex\); it is 0005 to fff0/);
});

test('a packet of 65,520 bytes is read; every longer one is malformed, and the message names it', (t) => {
  const longest = Buffer.alloc(65_516, 7);
  const { end, data } = decode([packet(longest), FLUSH]);
  t.is(end, 65_524);
  t.true(data.equals(longest));
  for (let length = 0xfff1; length <= 0xffff; length++) {
    const hex = length.toString(16);
    const refused = decodeText(hex);
    t.is(refused.end, MALFORMED);
    t.true(refused.decoder.problem?.includes(`length ${hex} (hex)`), refused.decoder.problem);
  }
});

test('what is no hex digit is malformed at each place of a header, and the message names it', (t) => {
  for (let byte = 0; byte < 256; byte++) {
    if (/[0-9a-f]/i.test(String.fromCharCode(byte))) continue;
    for (let place = 0; place < 4; place++) {
      const header = Buffer.from('000a');
      header[place] = byte;
      const { end, decoder } = decode([header]);
      t.is(end, MALFORMED);
      const shown =
        byte > 0x20 && byte < 0x7f
          ? `'${String.fromCharCode(byte)}'`
          : `0x${byte.toString(16).padStart(2, '0')}`;
      t.true(decoder.problem?.includes(shown), decoder.problem);
    }
  }
});

test('every length is read in upper and in lower case', (t) => {
  const data = Buffer.alloc(65_516, 'x');
  for (const length of [5, 10, 0xab, 0xabc, 0xabcd, 0xfedc, 0xfff0]) {
    for (const spell of [(hex: string) => hex.toLowerCase(), (hex: string) => hex.toUpperCase()]) {
      const header = Buffer.from(spell(length.toString(16).padStart(4, '0')));
      const decoded = decode([header, data.subarray(0, length - 4), FLUSH]);
      t.is(decoded.end, length + 4);
      t.is(decoded.data.length, length - 4);
    }
  }
});

test('a message that is cut off anywhere wants more', (t) => {
  const message = Buffer.from('0009hello0006!!0000');
  for (let length = 0; length < message.length; length++) {
    const whole = decode([message.subarray(0, length)]);
    t.is(whole.end, MORE);
    t.is(decode(everyByte(message.subarray(0, length))).end, MORE);
    t.is(whole.decoder.started, length > 0);
  }
});

test('started: from the first byte on', (t) => {
  const decoder = new Decoder();
  const sink = { data() {} };
  t.false(decoder.started);
  t.is(decoder.decode(Buffer.alloc(0), sink), MORE);
  t.false(decoder.started);
  decoder.decode(Buffer.from('0'), sink);
  t.true(decoder.started);
  decoder.decode(Buffer.from('000'), sink);
  t.true(decoder.started, 'and after the end of an empty message');
});

test('any payload in any packets, cut anywhere, gives the same data and the same end', (t) => {
  const terminators = {
    '0000': 'flush',
    '0001': 'delimiter',
    '0002': 'response-end',
    '0004': 'empty',
  } as const;
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 8 });
  const ending = fc.constantFrom(...(Object.keys(terminators) as (keyof typeof terminators)[]));
  const rest = fc.uint8Array({ maxLength: 40 });
  t.notThrows(() =>
    fc.assert(
      fc.property(pieces, ending, rest, fc.boolean(), fractions, (data, terminator, surplus, upper, at) => {
        const packets = data.map((piece) => {
          const header = (piece.length + 4).toString(16).padStart(4, '0');
          return Buffer.concat([Buffer.from(upper ? header.toUpperCase() : header), piece]);
        });
        const message = Buffer.concat([...packets, Buffer.from(terminator)]);
        const payload = Buffer.concat(data);
        const given = Buffer.concat([message, surplus]);
        for (const chunks of [[given], cut(given, at), everyByte(given)]) {
          const decoded = decode(chunks);
          equal(decoded.end, message.length);
          ok(decoded.data.equals(payload));
          equal(decoded.decoder.terminator, terminators[terminator]);
          equal(decoded.decoder.packets, data.length);
          equal(decoded.decoder.bytes, payload.length);
        }
      }),
      { numRuns: 300 },
    ),
  );
});

test('of any bytes at all, cut anywhere, the decoder makes what a plain reader makes of the whole', (t) => {
  const nearly = fc.array(
    fc.oneof(
      fc.constantFrom(
        '0000',
        '0001',
        '0002',
        '0003',
        '0004',
        '0005',
        '0006a',
        '000a',
        'FFF0',
        'fff1',
        'ffff',
        'g',
      ),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 8 },
  );
  const bytes = fc.oneof(
    nearly.map((words) => Buffer.from(words.join(''))),
    fc.uint8Array({ maxLength: 30 }).map((array) => Buffer.from(array)),
  );
  t.notThrows(() =>
    fc.assert(
      fc.property(bytes, fractions, (given, at) => {
        const expected = read(given);
        for (const chunks of [[given], cut(given, at), everyByte(given)]) {
          const { end, data, decoder } = decode(chunks);
          equal(
            end,
            expected.end === 'more' ? MORE : expected.end === 'malformed' ? MALFORMED : expected.end,
          );
          ok(data.equals(expected.data));
          equal(decoder.terminator, 'terminator' in expected ? expected.terminator : undefined);
          equal(decoder.problem !== undefined, expected.end === 'malformed');
        }
      }),
      { numRuns: 1_000 },
    ),
  );
});

test('a payload of several packets, cut anywhere, comes whole', (t) => {
  const payload = Buffer.alloc(200_000, 'abcdefg');
  const packets = [0, 1, 2, 3].map((index) => packet(payload.subarray(index * 65_516, (index + 1) * 65_516)));
  const message = Buffer.concat([...packets, FLUSH]);
  t.notThrows(() =>
    fc.assert(
      fc.property(fractions, (at) => {
        const decoded = decode(cut(message, at));
        equal(decoded.end, message.length);
        ok(decoded.data.equals(payload));
      }),
      { numRuns: 30 },
    ),
  );
});

test('data is handed on in place: as a range of the chunk that it came in', (t) => {
  const chunk = Buffer.from('0009hello0006!!0000');
  const ranges: [number, number][] = [];
  const decoder = new Decoder();
  decoder.decode(chunk, {
    data(given, start, end) {
      t.is(given, chunk);
      t.is(given.buffer, chunk.buffer);
      ranges.push([start, end]);
    },
  });
  t.deepEqual(ranges, [
    [4, 9],
    [13, 15],
  ]);
});

/** Runs V8's collector, if anything was allocated, and says how often it ran meanwhile. */
async function collections(run: () => void): Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    count += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  run();
  // Entries are delivered in a later turn of the event loop.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => void setImmediate(resolve));
  observer.disconnect();
  return count;
}

test.serial('a message in one chunk is decoded without allocation', async (t) => {
  const chunk = Buffer.from('0009hello0006!!0000');
  const messages = 1_000_000;
  // The decoder is one of the connection's objects, so its own making is no part of this; it takes message after message.
  const decoder = new Decoder();
  let bytes = 0;
  const sink: DataSink = {
    data(_chunk, start, end) {
      bytes += end - start;
    },
  };
  const decodeAll = () => {
    for (let message = 0; message < messages; message++) decoder.decode(chunk, sink);
  };
  decodeAll();
  bytes = 0;
  // The smallest allocation a message, 16 bytes, would be 16 MB: as much as the young generation holds. Eight rounds
  // are many times that.
  const ran = await collections(() => {
    for (let round = 0; round < 8; round++) decodeAll();
  });
  t.is(bytes, messages * 7 * 8);
  // The runner's own work may set one off.
  t.true(ran <= 1, `the collector ran ${ran} times`);
  // The measure measures: one small object a message is seen.
  const kept: unknown[] = [undefined];
  const seen = await collections(() => {
    for (let message = 0; message < messages * 8; message++) kept[0] = { message };
  });
  t.true(seen > 3, `the collector ran ${seen} times where it should have`);
});
