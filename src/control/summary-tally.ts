import type { PoolOutput, PoolState } from '../machines/pool.ts';
import type { Transition } from '../machines/transition.ts';
import type { Server, ServerStats } from '../runtime/types.ts';
import { CRASH } from '../telemetry/requests.ts';
import { BOUNDS, Histogram, percentile } from './histogram.ts';
import { OpenConnection } from './summary-request.ts';
import type { Latency, OpenState, SlowRequest, Summary } from './summary-types.ts';

/** How many of the slowest requests are told. */
const SLOWEST = 5;

/** Connections followed at once: `maxConnections` may be infinite, and memory is not. About 200 bytes each. */
const MOST_OPEN = 100_000;

/**
 * Counts what a server does, from its transitions: one look-up by the connection's name and a few numbers each. What the
 * server counts by itself is taken from its own counters.
 */
export class Tally {
  readonly #server: Pick<Server, 'state' | 'stats'>;
  readonly #mostOpen: number;
  readonly #open = new Map<string, OpenConnection>();
  #latency = new Histogram();
  /** The slowest requests of this interval, the slowest first. */
  #slowest: SlowRequest[] = [];
  /** Slower than this in milliseconds, and a request is one of them. */
  #slow = 0;
  #dropped = 0;
  #before: ServerStats;
  #since = now();
  #last: { readonly state: PoolState; readonly end: NonNullable<Summary['end']> } | undefined;
  /** Is called when the server has ended. */
  onEnd: (() => void) | undefined;

  constructor(server: Pick<Server, 'state' | 'stats'>, mostOpen = MOST_OPEN) {
    this.#server = server;
    this.#mostOpen = mostOpen;
    this.#before = server.stats;
  }

  /** The server has ended: there will be no more transitions. */
  get isOver(): boolean {
    const state = this.#last?.state ?? this.#server.state;
    return state === 'stopped' || state === 'failed';
  }

  readonly observe = (transition: Transition): void => {
    const { machine, actor, to, at } = transition;
    if (machine === 'pool') {
      this.#pool(transition);
      return;
    }
    const connection = this.#open.get(actor);
    if (to === 'closed') {
      if (connection === undefined) return;
      this.#open.delete(actor);
      const took = connection.took(at);
      if (took >= 0) this.#ended(took, connection, transition);
    } else if (connection !== undefined) {
      connection.step(transition);
    } else if (this.#open.size < this.#mostOpen) {
      // It is new; or it was open before, and then how long it takes is known only if its request begins now.
      const first = new OpenConnection(to as OpenState);
      first.step(transition);
      this.#open.set(actor, first);
    } else if (transition.from === 'none') {
      this.#dropped++;
    }
  };

  /** The interval ends here, and the next one begins. */
  take(): Summary {
    const { stats } = this.#server;
    const before = this.#before;
    const at = now();
    const summary: Summary = {
      at,
      intervalMs: at - this.#since,
      state: this.#last?.state ?? this.#server.state,
      open: stats.open,
      connections: this.#byState(),
      waiting: stats.waiting,
      running: stats.running,
      abandoned: stats.abandoned,
      bufferedBytes: stats.bufferedBytes,
      ended: difference(stats.ended, before.ended),
      refused: stats.refused - before.refused,
      acceptErrors: stats.acceptErrors - before.acceptErrors,
      crashed: stats.crashed - before.crashed,
      latency: latencyOf(this.#latency),
      slowest: this.#slowest,
      dropped: this.#dropped,
      memory: { rss: process.memoryUsage.rss() },
      ...(this.#last === undefined ? undefined : { end: this.#last.end }),
    };
    this.#before = stats;
    this.#since = at;
    this.#latency = new Histogram();
    this.#slowest = [];
    this.#slow = 0;
    this.#dropped = 0;
    return summary;
  }

  #pool({ event, to, at, output }: Transition): void {
    if (event.startsWith(CRASH)) {
      const name = event.slice(CRASH.length);
      const connection = this.#open.get(name);
      this.#open.delete(name);
      const took = connection?.took(at) ?? Number.NaN;
      if (connection !== undefined && took >= 0) this.#record(took, name, 'crashed', at, connection);
    }
    if (output === undefined) return;
    const { reason, error } = output as PoolOutput;
    const end = error === undefined ? { reason } : { reason, error: error.message };
    this.#last = { state: to as PoolState, end };
    this.onEnd?.();
  }

  #ended(took: number, connection: OpenConnection, { actor, at, output }: Transition): void {
    const { outcome } = output as { outcome: string };
    this.#record(took, actor, outcome, at, connection);
  }

  #record(ms: number, name: string, outcome: string, at: number, connection: OpenConnection): void {
    this.#latency.record(ms * 1_000);
    if (ms <= this.#slow && this.#slowest.length === SLOWEST) return;
    const place = this.#slowest.findIndex((other) => other.ms < ms);
    this.#slowest.splice(
      place === -1 ? this.#slowest.length : place,
      0,
      connection.report(name, outcome, at),
    );
    this.#slowest.length = Math.min(this.#slowest.length, SLOWEST);
    this.#slow = this.#slowest.at(-1)?.ms ?? 0;
  }

  #byState(): Record<OpenState, number> {
    const counts = { listening: 0, 'reading-request': 0, dispatching: 0, 'streaming-response': 0 };
    for (const { state } of this.#open.values()) counts[state]++;
    return counts;
  }
}

function latencyOf({ counts, max }: Histogram): Latency {
  const at = (fraction: number) => percentile(fraction, BOUNDS, counts, max);
  return { buckets: BOUNDS, counts, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

function difference<Key extends string>(
  after: Readonly<Record<Key, number>>,
  before: Readonly<Record<Key, number>>,
): Record<Key, number> {
  const keys = Object.keys(after) as Key[];
  return Object.fromEntries(keys.map((key) => [key, after[key] - before[key]])) as Record<Key, number>;
}

/** By the clock of the transitions. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
