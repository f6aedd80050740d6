import test from 'ava';
import { Tally } from '../../../bench/run/tally.ts';

test('counts errors by their code, or else by their message', (t) => {
  const tally = new Tally();
  tally.failed(Object.assign(new Error('connect ECONNREFUSED /x'), { code: 'ECONNREFUSED' }), 2);
  tally.failed(Object.assign(new Error('14 UNAVAILABLE'), { code: 14 }));
  tally.failed('thrown');
  const { errors, errorKinds } = tally.result(1, 0);
  t.is(errors, 4);
  t.deepEqual(errorKinds, { ECONNREFUSED: 2, '14 UNAVAILABLE': 1, thrown: 1 });
});

test('keeps 16 kinds of errors at most', (t) => {
  const tally = new Tally();
  for (let i = 0; i < 100; i++) tally.failed(new Error(`number ${i}`));
  const { errors, errorKinds } = tally.result(1, 0);
  t.is(errors, 100);
  t.is(Object.keys(errorKinds).length, 16);
  t.is(errorKinds['other'], 85);
});

test('tells times in microseconds', (t) => {
  const tally = new Tally();
  tally.connect.record(0.0121);
  tally.answered(1.5, 4, 5);
  tally.answered(1.5, 4, 5);
  const { requests, elapsed, bytesSent, bytesReceived, connect, lastByte } = tally.result(3, 0.5);
  t.deepEqual(
    { requests, elapsed, bytesSent, bytesReceived, connect, lastByte },
    {
      requests: 2,
      elapsed: 3_000,
      bytesSent: 8,
      bytesReceived: 10,
      connect: [[12, 1]],
      lastByte: [[1_500, 2]],
    },
  );
});
