import test from 'ava';
import * as fc from 'fast-check';
import { BOUNDS, Histogram, percentile } from '../../src/control/histogram.ts';

test('the bounds: 20 a decade from 10 us to 100 s, rising, each 10 to 15 % above the one before', (t) => {
  t.is(BOUNDS.length, 141);
  t.is(BOUNDS[0], 10);
  t.is(BOUNDS[20], 100);
  t.is(BOUNDS.at(-1), 100_000_000);
  for (const [index, bound] of BOUNDS.entries()) {
    if (index === 0) continue;
    const ratio = bound / (BOUNDS[index - 1] as number);
    t.true(ratio > 1.1 && ratio < 1.15, `${bound}`);
  }
});

test('a bound is part of its bucket, and what is above it is in the next', (t) => {
  for (const [index, bound] of BOUNDS.entries()) {
    const histogram = new Histogram();
    histogram.record(bound);
    histogram.record(bound * 1.0001);
    t.is(histogram.counts[index], 1, `${bound}`);
    t.is(histogram.counts[index + 1], 1, `above ${bound}`);
  }
});

test('what is below the first bound, and above the last', (t) => {
  const histogram = new Histogram();
  for (const us of [0, 0.5, 10, 1e9]) histogram.record(us);
  t.is(histogram.counts[0], 3);
  t.is(histogram.counts.at(-1), 1);
  t.is(histogram.max, 1e9);
});

const of = (times: readonly number[], fraction: number) => {
  const histogram = new Histogram();
  for (const us of times) histogram.record(us);
  return percentile(fraction, BOUNDS, histogram.counts, histogram.max);
};

test('percentiles of nothing, and of one', (t) => {
  t.is(of([], 0.5), null);
  for (const fraction of [0.01, 0.5, 0.99, 1]) t.is(of([77], fraction), 77);
  t.is(of([1e9, 2e9], 0.5), 2e9, 'above the last bound only the maximum is known');
});

test('property: a percentile is in the bucket of the exact one, and the maximum is exact', (t) => {
  const times = fc.array(fc.double({ min: 0.1, max: 99_000_000, noNaN: true }), {
    minLength: 1,
    maxLength: 200,
  });
  fc.assert(
    fc.property(times, fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1), (samples, fraction) => {
      const sorted = samples.toSorted((one, other) => one - other);
      const exact = sorted[Math.max(Math.ceil(fraction * sorted.length), 1) - 1] as number;
      const found = of(samples, fraction) as number;
      const upper = BOUNDS.find((bound) => bound >= exact) as number;
      const lower = BOUNDS.findLast((bound) => bound < exact) ?? 0;
      t.true(found >= lower * 0.999_999 && found <= upper * 1.000_001, `${found} for ${exact}`);
      t.is(of(samples, 1), sorted.at(-1) as number);
    }),
  );
});
