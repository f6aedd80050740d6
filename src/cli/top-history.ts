import { percentile } from '../control/histogram.ts';
import type { Latency, SlowRequest, Summary } from '../index.ts';

/** How many summaries are kept. */
const KEPT = 60;

/** How many of the slowest requests are kept: more than most terminals have room for. */
const SLOWEST = 40;

/** What a server did in the intervals that are kept, together. */
export interface Totals {
  /** How long they were, in milliseconds. */
  readonly ms: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly refused: number;
  readonly acceptErrors: number;
  readonly crashed: number;
  readonly dropped: number;
  readonly latency: Latency;
  readonly slowest: readonly SlowRequest[];
}

/** The last summaries of a server. */
export class History {
  readonly #summaries: Summary[] = [];

  add(summary: Summary): void {
    this.#summaries.push(summary);
    if (this.#summaries.length > KEPT) this.#summaries.shift();
  }

  get last(): Summary | undefined {
    return this.#summaries.at(-1);
  }

  /** Requests a second in each interval, the last one at the end. */
  get rates(): number[] {
    return this.#summaries.map(requestRate);
  }

  totals(): Totals {
    const all = this.#summaries;
    const total = (of: (summary: Summary) => number) => all.reduce((sum, summary) => sum + of(summary), 0);
    const ended: Record<string, number> = {};
    for (const summary of all) {
      for (const [outcome, count] of Object.entries(summary.ended))
        ended[outcome] = (ended[outcome] ?? 0) + count;
    }
    return {
      ms: total(({ intervalMs }) => intervalMs),
      ended,
      refused: total(({ refused }) => refused),
      acceptErrors: total(({ acceptErrors }) => acceptErrors),
      crashed: total(({ crashed }) => crashed),
      dropped: total(({ dropped }) => dropped),
      latency: together(all.map(({ latency }) => latency)),
      slowest: all
        .flatMap(({ slowest }) => slowest)
        .toSorted((one, other) => other.ms - one.ms)
        .slice(0, SLOWEST),
    };
  }
}

/** Requests that ended, a second. A connection that never spoke is none. */
export function requestRate({ ended, intervalMs }: Summary): number {
  const requests = Object.values(ended).reduce((sum, count) => sum + count, 0) - ended.pinged - ended.refused;
  return intervalMs > 0 ? Math.max((requests * 1_000) / intervalMs, 0) : 0;
}

function together(all: readonly Latency[]): Latency {
  const buckets = all[0]?.buckets ?? [];
  const counts = Array.from({ length: buckets.length + 1 }, (_, bucket) =>
    all.reduce((sum, latency) => sum + (latency.counts[bucket] ?? 0), 0),
  );
  const max = all.reduce((most, latency) => Math.max(most, latency.max ?? 0), 0);
  const at = (fraction: number) => percentile(fraction, buckets, counts, max);
  return { buckets, counts, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
