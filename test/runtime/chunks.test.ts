import test from 'ava';
import { bytesOf, chunksOf, isWhole } from '../../src/runtime/chunks.ts';

test('text is UTF-8, and bytes are not copied', (t) => {
  t.deepEqual(bytesOf('ä', 'It'), Buffer.from([0xc3, 0xa4]));
  const bytes = new Uint8Array([0, 1, 2, 3]).subarray(1, 3);
  t.deepEqual([...bytesOf(bytes, 'It')], [1, 2]);
  t.is(bytesOf(bytes, 'It').buffer, bytes.buffer);
  const buffer = Buffer.from('x');
  t.is(bytesOf(buffer, 'It'), buffer);
});

test('what is no chunk, and what is no message, is named', (t) => {
  for (const [value, kind] of [
    [7, 'a number'],
    [null, 'null'],
    [undefined, 'a undefined'],
    [new Date(0), 'an object of Date'],
    [Symbol('s'), 'Symbol(s)'],
    [[1], 'an object of Array'],
  ] as const) {
    const told = { code: 'SIMPLE_IPC_INVALID_ARGUMENT', message: new RegExp(kind.replace(/[()]/g, '\\$&')) };
    t.throws(() => bytesOf(value, 'It'), told);
    if (!Array.isArray(value)) t.throws(() => chunksOf(value as never, 'It'), told);
  }
});

test('strings and bytes are whole, and what iterates is not', (t) => {
  t.true(isWhole('') && isWhole(new Uint8Array(0)) && isWhole(Buffer.alloc(1)));
  t.false(isWhole(['x']) || isWhole(undefined) || isWhole(new DataView(new ArrayBuffer(1))));
  t.is(chunksOf(['x'], 'It').constructor, [][Symbol.iterator]().constructor);
});
