/** ISO 3's R20 series, 20 steps a decade, times 100: numbers that read well, each 10 to 15 % above the one before. */
const STEPS = [
  100, 112, 125, 140, 160, 180, 200, 224, 250, 280, 315, 355, 400, 450, 500, 560, 630, 710, 800, 900,
];
const DECADES = 7;

/** The least bound, in microseconds. */
const LEAST = 10;

/** The upper bounds of the buckets, each part of its bucket: from 10 us to 100 s, in microseconds. */
export const BOUNDS: readonly number[] = [
  ...Array.from({ length: DECADES }, (_, decade) =>
    STEPS.map((step) => (step * LEAST * 10 ** decade) / 100),
  ).flat(),
  LEAST * 10 ** DECADES,
];

/** How many times were in each bucket, in bounded memory. Its percentiles are 15 % wrong at most, its maximum is exact. */
export class Histogram {
  /** One a bound, and one for what is above them all. */
  readonly counts: number[] = Array.from({ length: BOUNDS.length + 1 }, () => 0);
  /** In microseconds. */
  max = 0;

  record(us: number): void {
    if (us > this.max) this.max = us;
    (this.counts[bucketOf(us)] as number)++;
  }
}

function bucketOf(us: number): number {
  if (us <= LEAST) return 0;
  // The bounds are rounded, so the logarithm may name a neighbour of the right one.
  let bucket = Math.min(Math.floor(Math.log10(us / LEAST) * STEPS.length), BOUNDS.length);
  while (bucket > 0 && us <= (BOUNDS[bucket - 1] as number)) bucket--;
  while (us > (BOUNDS[bucket] as number)) bucket++;
  return bucket;
}

/**
 * The time, in the unit of the bounds, that `fraction` of the counted ones do not exceed: by the nearest rank, and within
 * its bucket as if the times there were spread evenly. Nothing where there are none.
 */
export function percentile(
  fraction: number,
  bounds: readonly number[],
  counts: readonly number[],
  max: number,
): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = Math.max(Math.ceil(fraction * total), 1);
  let below = 0;
  let bucket = 0;
  for (; below + (counts[bucket] as number) < rank; bucket++) below += counts[bucket] as number;
  const upper = bounds[bucket];
  // Above all bounds, nothing but the maximum is known.
  if (upper === undefined) return max;
  const lower = bounds[bucket - 1] ?? 0;
  return Math.min(lower + ((upper - lower) * (rank - below)) / (counts[bucket] as number), max);
}
