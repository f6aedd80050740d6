import test from 'ava';
import {
  histogramFromText,
  histogramToText,
  makeHistogram,
  mergeHistograms,
  record,
} from '../../../bench/histogram.ts';

test('records whole microseconds, and at least one', (t) => {
  const histogram = makeHistogram([[41.6, 3]]);
  record(histogram, 0.2);
  record(histogram, 0);
  t.is(histogram.totalCount, 5);
  t.is(histogram.minNonZeroValue, 1);
  t.is(histogram.maxValue, 42);
});

test('keeps three digits, and grows beyond its first size', (t) => {
  const histogram = makeHistogram([
    [123_456, 1],
    [600_000_000, 1],
  ]);
  const near = (value: number, wanted: number) => Math.abs(value / wanted - 1) < 0.001;
  t.true(near(histogram.getValueAtPercentile(50), 123_456));
  t.true(near(histogram.getValueAtPercentile(100), 600_000_000));
});

test('merges into a histogram of its own', (t) => {
  const one = makeHistogram([[10, 2]]);
  const other = makeHistogram([[200_000_000, 1]]);
  const merged = mergeHistograms([one, makeHistogram(), other]);
  t.is(merged.totalCount, 3);
  t.is(merged.getValueAtPercentile(50), 10);
  t.is(merged.maxValue, other.maxValue);
  t.is(one.totalCount, 2);
  t.is(mergeHistograms([]).totalCount, 0);
});

test('comes back from text as it was, and merges with others', (t) => {
  const histogram = makeHistogram([
    [1, 5],
    [37, 100],
    [90_000, 2],
  ]);
  const back = histogramFromText(histogramToText(histogram));
  t.is(back.totalCount, 107);
  for (const percentile of [0, 1, 50, 99, 100])
    t.is(back.getValueAtPercentile(percentile), histogram.getValueAtPercentile(percentile));
  t.is(mergeHistograms([back, makeHistogram([[59_000_000, 1]])]).totalCount, 108);
});

test('text of nothing is a histogram of nothing', (t) => {
  const back = histogramFromText(histogramToText(makeHistogram()));
  t.is(back.totalCount, 0);
  record(back, 5);
  t.is(back.getValueAtPercentile(50), 5);
});
