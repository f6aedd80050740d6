import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { waterfall } from '../../src/telemetry/waterfall.ts';
import { step, steps } from './steps.ts';

test('each state at its place, in ASCII', (t) => {
  t.is(
    waterfall(steps('c1'), { width: 50 }),
    `c1: answered in 10.0 ms
listening          ##                      1.00 ms
reading-request      ####                  2.00 ms
dispatching              ......####        5.00 ms
streaming-response                 ####    2.00 ms
. of it waiting for a free slot: 3.00 ms
`,
  );
});

test('in block elements', (t) => {
  const [, first, , third] = waterfall(steps('c1'), { width: 50, unicode: true }).split('\n');
  t.is(first, 'listening          ██                      1.00 ms');
  t.is(third, 'dispatching              ░░░░░░████        5.00 ms');
});

test('colours only when told, and then the same drawing', (t) => {
  const plain = waterfall(steps('c1'));
  const coloured = waterfall(steps('c1'), { colour: true });
  t.is(stripVTControlCharacters(plain), plain);
  t.not(coloured, plain);
  t.is(stripVTControlCharacters(coloured), plain);
});

test('no line is longer than the width, whatever the times', (t) => {
  const times = [0, 0.001, 0.4, 1, 7, 999, 99_999];
  for (const width of [20, 48, 61, 80, 200]) {
    for (const a of times) {
      for (const b of times) {
        const drawn = waterfall(
          [
            step('c1', 'none', 'xstate.init', 'listening', 5),
            step('c1', 'listening', 'BYTES', 'reading-request', 5 + a),
            step('c1', 'reading-request', 'PROTOCOL_ERROR', 'closed', 5 + a + b, {
              reason: 'a\u001B[2Jreason\n'.repeat(30),
              output: { outcome: 'protocol-error' },
            }),
          ],
          { width },
        );
        t.is(stripVTControlCharacters(drawn), drawn);
        for (const line of drawn.split('\n')) t.true(line.length <= Math.max(width, 48), line);
        t.is(drawn.split('\n').length, 5, 'a title, two states, the reason');
      }
    }
  }
});

test('a connection that has not ended draws nothing', (t) => {
  t.is(waterfall([...steps('c1')].slice(0, -1)), '');
});
