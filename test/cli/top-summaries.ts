// Summaries of made-up servers.
import { BOUNDS, Histogram, percentile } from '../../src/control/histogram.ts';
import type { SlowRequest, Summary } from '../../src/control/summary.ts';

const NONE: Summary['ended'] = {
  answered: 0,
  pinged: 0,
  'hung-up': 0,
  'protocol-error': 0,
  limit: 0,
  'timed-out': 0,
  'handler-failed': 0,
  aborted: 0,
  refused: 0,
};

/** A second in which requests took these times, in microseconds; `more` is laid over it. */
export function second(times: readonly number[] = [], more: Partial<Summary> = {}): Summary {
  const histogram = new Histogram();
  for (const us of times) histogram.record(us);
  const { counts, max } = histogram;
  const at = (fraction: number) => percentile(fraction, BOUNDS, counts, max);
  return {
    at: Date.UTC(2026, 10, 23, 12, 0, 0),
    intervalMs: 1_000,
    state: 'accepting',
    open: 0,
    connections: { listening: 0, 'reading-request': 0, dispatching: 0, 'streaming-response': 0 },
    waiting: 0,
    running: 0,
    abandoned: 0,
    bufferedBytes: 0,
    refused: 0,
    acceptErrors: 0,
    crashed: 0,
    latency: { buckets: BOUNDS, counts, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) },
    slowest: [],
    dropped: 0,
    memory: { rss: 64 * 2 ** 20 },
    ...more,
    ended: { ...NONE, answered: times.length, ...more.ended },
  };
}

/** A request that was answered after so many milliseconds, half of them waiting for a slot. */
export function slow(connection: string, ms: number, outcome = 'answered'): SlowRequest {
  return {
    connection,
    outcome,
    ms,
    at: Date.UTC(2026, 10, 23, 11, 59, 59),
    phases: [
      { state: 'reading-request', ms: ms / 8, waited: 0 },
      { state: 'dispatching', ms: (ms * 6) / 8, waited: ms / 2 },
      { state: 'streaming-response', ms: ms / 8, waited: 0 },
    ],
  };
}
