import test from 'ava';
import { requestLimits, SERVE_DEFAULTS, serveLimits, time } from '../../src/runtime/options.ts';

test('what is not given, or given as undefined, has its default', (t) => {
  t.deepEqual(serveLimits({}), SERVE_DEFAULTS);
  t.deepEqual(serveLimits({ window: undefined } as never), SERVE_DEFAULTS);
  t.is(serveLimits({ concurrency: Number.POSITIVE_INFINITY }).concurrency, Number.POSITIVE_INFINITY);
  t.deepEqual(requestLimits({}), { timeout: 60_000, deadline: 0, waitIfBusy: 0, waitIfMissing: 0 });
});

test('true waits as long as git does', (t) => {
  const limits = requestLimits({ waitIfBusy: true, waitIfMissing: 5 });
  t.deepEqual([limits.waitIfBusy, limits.waitIfMissing], [1000, 5]);
});

test('a value that cannot be is told with its name and what is taken', (t) => {
  for (const options of [
    { concurrency: 0 },
    { concurrency: '8' },
    { maxConnections: -1 },
    { window: 0 },
    { maxBufferedBytes: 1.5 },
    { maxRequestBytes: Number.NaN },
    { readTimeout: Number.POSITIVE_INFINITY },
    { writeTimeout: 2 ** 31 },
    { drainTimeout: '1' },
  ]) {
    const [name] = Object.keys(options) as [string];
    const told = { code: 'SIMPLE_IPC_INVALID_ARGUMENT', message: new RegExp(`^${name} is .*: give `) };
    t.throws(() => serveLimits(options as never), told);
  }
  t.throws(() => requestLimits({ timeout: -1 }), { message: /^timeout is -1/ });
  t.throws(() => time('x', Number.NaN), { message: /^x is NaN/ });
});
