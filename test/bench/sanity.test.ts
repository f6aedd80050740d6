import test from 'ava';
import { makeHistogram } from '../../bench/histogram.ts';
import { whatDoesNotAddUp } from '../../bench/sanity.ts';
import { SCENARIOS } from '../../bench/scenarios.ts';
import type { ServerResult } from '../../bench/types.ts';

const scenario = SCENARIOS[0]!;
const fine: ServerResult = {
  server: 'simple-ipc',
  version: '1',
  connectionPerRequest: true,
  figures: [],
  requests: 10,
  errors: 0,
  errorKinds: {},
  connect: makeHistogram(),
  firstByte: makeHistogram(),
  lastByte: makeHistogram([[5, 10]]),
  generatorBusy: 0,
  counted: { served: 10, recorded: 10 },
  slowest: [],
};

const wrongWith = (result: ServerResult, strict = true) =>
  whatDoesNotAddUp([{ scenario, repeats: 1, results: [result], skipped: [] }], { strict, complete: true });

test('what adds up is fine', (t) => {
  t.deepEqual(wrongWith(fine), []);
  t.deepEqual(wrongWith({ ...fine, counted: {} }), []);
});

test('what does not is told, each with its scenario and server', (t) => {
  t.regex(wrongWith({ ...fine, counted: { served: 9 } }).join(), /^ping-1, simple-ipc: 10 .* counted 9$/);
  t.regex(wrongWith({ ...fine, counted: { served: 10, recorded: 9 } }).join(), /telemetry recorded 9/);
  t.regex(wrongWith({ ...fine, lastByte: makeHistogram([[5, 9]]) }).join(), /9 latencies/);
  t.regex(wrongWith({ ...fine, requests: 0, lastByte: makeHistogram(), counted: {} }).join(), /no request/);
  t.regex(
    whatDoesNotAddUp(
      [{ scenario, repeats: 1, results: [], skipped: [{ server: 'git', reason: 'none here' }] }],
      { strict: false, complete: false },
    ).join(),
    /nothing was measured \(none here\)/,
  );
});

test('errors are shown in the report, and only a strict look takes them for a fault of the bench', (t) => {
  const failing = { ...fine, errors: 1, errorKinds: { EAGAIN: 1 } };
  t.regex(wrongWith(failing, true).join(), /1 requests failed.*EAGAIN/);
  t.deepEqual(wrongWith(failing, false), []);
});

test('a server that was skipped is wrong only where every one has to be there', (t) => {
  const skipped = [{ server: 'git' as const, reason: 'none here' }];
  const told = (complete: boolean) =>
    whatDoesNotAddUp([{ scenario, repeats: 1, results: [fine], skipped }], { strict: true, complete });
  t.deepEqual(told(true), ['ping-1, git: none here']);
  t.deepEqual(told(false), []);
});
