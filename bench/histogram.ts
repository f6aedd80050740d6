/** Histograms of latencies, in microseconds: to make, to merge, and as text in JSON. */
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';

/** Pairs of a latency, in microseconds, and how often it was met. */
export type Counts = readonly (readonly [microseconds: number, count: number])[];

/** What a histogram has room for at first, in microseconds. It grows where that is not enough. */
const SIXTY_SECONDS = 60_000_000;

/** Three significant digits, but nothing finer than a microsecond. */
export function makeHistogram(counts: Counts = []): Histogram {
  const histogram = build({
    highestTrackableValue: SIXTY_SECONDS,
    numberOfSignificantValueDigits: 3,
    autoResize: true,
  });
  for (const [microseconds, count] of counts)
    histogram.recordValueWithCount(wholeMicroseconds(microseconds), count);
  return histogram;
}

export function record(histogram: Histogram, microseconds: number): void {
  histogram.recordValue(wholeMicroseconds(microseconds));
}

/** A histogram of its own; those given stay as they are. */
export function mergeHistograms(histograms: readonly Histogram[]): Histogram {
  const merged = makeHistogram();
  for (const histogram of histograms) merged.add(histogram);
  return merged;
}

/** Undefined where that few values were recorded that it would be the greatest of them, under a better name. */
export function percentile(histogram: Histogram, at: number): number | undefined {
  if (histogram.totalCount * (100 - at) < 99.99) return undefined;
  return histogram.getValueAtPercentile(at);
}

/** HdrHistogram's own format, which its other implementations read too. */
export function histogramToText(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram);
}

export function histogramFromText(text: string): Histogram {
  const histogram = makeHistogram();
  // What decodes has just the room it needs, and does not grow when others are added.
  histogram.add(decodeFromCompressedBase64(text));
  return histogram;
}

/** Nothing takes no time. */
function wholeMicroseconds(microseconds: number): number {
  return Math.max(1, Math.round(microseconds));
}
