/** How the values of a histogram are spread over a logarithmic scale. */
import { JsHistogram, type Histogram } from 'hdr-histogram-js';

export interface LogScale {
  /** The lowest and the highest value that has a place. */
  readonly low: number;
  readonly high: number;
  /** From 0 at `low` to 1 at `high`. */
  at(value: number): number;
}

/** From the least value of all to the greatest; a factor of 2 at least, so that there is something to divide. */
export function logScale(histograms: readonly Histogram[]): LogScale {
  const filled = histograms.filter(({ totalCount }) => totalCount > 0);
  const least = Math.min(...filled.map((histogram) => Math.max(histogram.getValueAtPercentile(0), 1)));
  const low = Number.isFinite(least) ? least : 1;
  const high = Math.max(low * 2, ...filled.map(({ maxValue }) => maxValue));
  const span = Math.log(high / low);
  return {
    low,
    high,
    at: (value) => Math.min(Math.max(Math.log(Math.max(value, low) / low) / span, 0), 1),
  };
}

/** How many of the values are in each of so many equal parts of the scale. */
export function spread(histogram: Histogram, scale: LogScale, parts: number): number[] {
  const counts = Array.from({ length: parts }, () => 0);
  for (const [value, count] of recorded(histogram)) {
    const part = Math.min(Math.floor(scale.at(value) * parts), parts - 1);
    counts[part] = (counts[part] ?? 0) + count;
  }
  return counts;
}

/** The values with their counts, ascending. */
function* recorded(histogram: Histogram): Generator<[value: number, count: number]> {
  if (!(histogram instanceof JsHistogram)) throw new TypeError('Not a histogram of bench/histogram.ts.');
  for (let index = 0; index < histogram.countsArrayLength; index++) {
    const count = histogram.getCountAtIndex(index);
    if (count > 0) yield [histogram.medianEquivalentValue(histogram.valueFromIndex(index)), count];
  }
}

/** 1, 2 and 5 times the powers of ten within the scale, or the powers alone where these are enough. */
export function ticks({ low, high }: Pick<LogScale, 'low' | 'high'>): number[] {
  const steps = high / low > 50 ? [1] : [1, 2, 5];
  const found: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
    found.push(...steps.map((step) => step * power).filter((value) => value >= low && value <= high));
  }
  return found;
}
