/** A Jaeger of a test's own, and what it says of its traces. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { ExecutionContext } from 'ava';
import { inBothCases, startJaeger as startProcess } from '../../bench/run/jaeger.ts';

import { readSpans, type Span, type Trace } from './jaeger-spans.ts';
import type { Program } from './peers.ts';
import { PATIENCE } from './serving.ts';

/** Where traces can be looked up: Jaeger's API v3. Each waits until it has what is asked for, and then says all it has. */
export interface JaegerQuery {
  /** The traces of a service, the oldest first, when there are at least `min` of them and `spans` spans in all. */
  findTraces(service: string, atLeast?: { min?: number; spans?: number }): Promise<Trace[]>;
  /** The spans of a trace, the oldest first, when there are at least `min` of them. */
  getTrace(traceId: string, atLeast?: { min?: number }): Promise<Span[]>;
  /** The names of all services that have sent something so far. */
  services(): Promise<string[]>;
}

export interface Jaeger extends JaegerQuery {
  readonly pid: number;
  /** Where it takes OTLP over HTTP. The exporters' variable wants just this, their `url` has `/v1/traces` after it. */
  readonly endpoint: string;
  /** Where its API is. */
  readonly query: string;
  /** Ends it, and with it its traces. Done after the test in any case. */
  stop(): Promise<void>;
}

const POLL = 20;
/** More traces than any test makes, and fewer than are kept: a search for more is refused. */
const SEARCH_DEPTH = 10_000;

/**
 * Starts a Jaeger with everything in memory, on free ports of 127.0.0.1, and waits until it is healthy. It stores a
 * request's spans before it answers. With `port` it takes OTLP there: where one was that is stopped, or is yet to come.
 */
export async function startJaeger(
  t: ExecutionContext,
  program: Program,
  options: { port?: number } = {},
): Promise<Jaeger> {
  const { pid, otlp, query, close } = await startProcess(program.bin, options.port);
  t.teardown(close);
  return { pid, endpoint: otlp, query, stop: close, ...queryAt(query) };
}

/** The API v3 at a base URL. */
export function queryAt(base: string): JaegerQuery {
  return {
    async findTraces(service, { min = 1, spans = 1 } = {}) {
      const find = async () => tracesOf(await spansAt(`${base}/api/v3/traces?${searchFor(service)}`));
      const count = (traces: Trace[]) => traces.reduce((sum, trace) => sum + trace.spans.length, 0);
      return poll(
        find,
        (traces) => traces.length >= min && count(traces) >= spans,
        (traces) =>
          `Jaeger has ${traces.length} traces of ${service} with ${count(traces)} spans, not ${min} with ${spans}`,
      );
    },
    async getTrace(traceId, { min = 1 } = {}) {
      return poll(
        () => spansAt(`${base}/api/v3/traces/${traceId}?${inBothCases({ rawTraces: 'true' })}`),
        (spans) => spans.length >= min,
        (spans) => `Jaeger has ${spans.length} spans of trace ${traceId}, not ${min}: ${namesOf(spans)}`,
      );
    },
    async services() {
      const { services } = (await ask(`${base}/api/v3/services`)) as { services?: string[] };
      return services ?? [];
    },
  };
}

function searchFor(service: string): string {
  const parameters = {
    serviceName: service,
    startTimeMin: new Date(0).toISOString(),
    startTimeMax: new Date(Date.now() + 86_400_000).toISOString(),
    // The first is 2.13's name for it.
    numTraces: `${SEARCH_DEPTH}`,
    searchDepth: `${SEARCH_DEPTH}`,
    // As they were sent: without a correction of clocks, and without warnings among the attributes.
    rawTraces: 'true',
  };
  return `${inBothCases(parameters, 'query.')}`;
}

async function spansAt(url: string): Promise<Span[]> {
  const answer = await ask(url);
  return answer === undefined ? [] : readSpans(answer);
}

/** What the API answers; `undefined` where it has nothing. */
async function ask(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
  const text = await response.text();
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`Jaeger answers ${response.status} to ${url}: ${text}`);
  return JSON.parse(text);
}

function tracesOf(spans: readonly Span[]): Trace[] {
  const traces = Map.groupBy(spans, ({ traceId }) => traceId);
  return Array.from(traces, ([traceId, its]) => ({ traceId, spans: its }));
}

function namesOf(spans: readonly Span[]): string {
  return spans.map(({ name }) => name).join(', ');
}

async function poll<T>(
  look: () => Promise<T>,
  suffices: (found: T) => boolean,
  lack: (found: T) => string,
): Promise<T> {
  const until = performance.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (suffices(found)) return found;
    if (performance.now() > until) throw new Error(lack(found));
    await sleep(POLL);
  }
}
