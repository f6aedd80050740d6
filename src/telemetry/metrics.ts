import type { Attributes, Meter, ObservableResult } from '@opentelemetry/api';
import type { ObservedStats } from '../machines/observer.ts';
import { ATTRIBUTES, DURATION_BUCKETS, METRICS, SYSTEM } from './conventions.ts';
import type { RequestFacts } from './facts.ts';

/** Where a server is, and how it is. */
export interface Gauges {
  readonly path: string;
  stats(): ObservedStats;
}

/** The metrics of requests, calls and servers. */
export class Metrics {
  readonly #record: (facts: RequestFacts) => void;
  readonly #servers = new Set<Gauges>();
  readonly #dropped: (count: number, reason: string) => void;
  readonly #addBytes: () => void;
  #received = 0;
  #sent = 0;
  /** What servers that have ended have refused, by path: a counter does not go back. */
  readonly #refusedBefore = new Map<string, number>();

  constructor(meter: Meter) {
    const histogram = ({ name, unit, means }: { name: string; unit: string; means: string }) =>
      meter.createHistogram(name, {
        unit,
        description: means,
        advice: { explicitBucketBoundaries: [...DURATION_BUCKETS] },
      });
    const durations = {
      server: histogram(METRICS.serverDuration),
      client: histogram(METRICS.clientDuration),
    };
    this.#record = (facts) => {
      durations[facts.side].record((facts.endedAt - (facts.times[0] as number)) / 1000, attributesOf(facts));
      if (facts.side !== 'server') return;
      this.#received += facts.requestBytes;
      this.#sent += facts.responseBytes;
    };
    const io = meter.createCounter(METRICS.io.name, { unit: METRICS.io.unit, description: METRICS.io.means });
    this.#addBytes = () => {
      if (this.#received > 0) io.add(this.#received, { 'network.io.direction': 'receive' });
      if (this.#sent > 0) io.add(this.#sent, { 'network.io.direction': 'transmit' });
      this.#received = this.#sent = 0;
    };

    const dropped = meter.createCounter(METRICS.dropped.name, {
      unit: METRICS.dropped.unit,
      description: METRICS.dropped.means,
    });
    this.#dropped = (count, reason) => dropped.add(count, { reason });

    const options = ({ unit, means }: { unit: string; means: string }) => ({ unit, description: means });
    meter
      .createObservableGauge(METRICS.open.name, options(METRICS.open))
      .addCallback((result) => this.#observe(result, ({ open }) => open));
    meter
      .createObservableGauge(METRICS.waiting.name, options(METRICS.waiting))
      .addCallback((result) => this.#observe(result, ({ waiting }) => waiting));
    meter.createObservableCounter(METRICS.refused.name, options(METRICS.refused)).addCallback((result) => {
      const total = new Map(this.#refusedBefore);
      for (const server of this.#servers)
        total.set(server.path, (total.get(server.path) ?? 0) + refusedBy(server.stats()));
      for (const [path, count] of total) result.observe(count, { [ATTRIBUTES.address.name]: path });
    });
  }

  record(facts: RequestFacts): void {
    this.#record(facts);
  }

  /** Tells the meter of the bytes of all that were recorded since: it takes as long for many requests as for one. */
  addBytes(): void {
    this.#addBytes();
  }

  /** Requests that left no record or no span. */
  dropped(count: number, reason: string): void {
    this.#dropped(count, reason);
  }

  /** Shows a server's gauges until the function that it gives is called. */
  watch(server: Gauges): () => void {
    this.#servers.add(server);
    return () => {
      if (!this.#servers.delete(server)) return;
      const before = this.#refusedBefore.get(server.path) ?? 0;
      this.#refusedBefore.set(server.path, before + refusedBy(server.stats()));
    };
  }

  #observe(result: ObservableResult, valueOf: (stats: ObservedStats) => number): void {
    for (const server of this.#servers)
      result.observe(valueOf(server.stats()), { [ATTRIBUTES.address.name]: server.path });
  }
}

function refusedBy({ refused, acceptErrors }: ObservedStats): number {
  return refused + acceptErrors;
}

function attributesOf({ method, failure }: RequestFacts): Attributes {
  return {
    [ATTRIBUTES.system.name]: SYSTEM,
    ...(method === undefined ? undefined : { [ATTRIBUTES.method.name]: method }),
    ...(failure === undefined ? undefined : { [ATTRIBUTES.errorType.name]: failure.type }),
  };
}
