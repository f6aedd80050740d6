/** A Jaeger of a test's own, and what it says of its traces. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ExecutionContext } from 'ava';

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
/** More traces than any test makes. A search for more than are kept is refused. */
const MAX_TRACES = 20_000;
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
  // Another process may take a port between its being found free and Jaeger's start: then with others.
  for (let tries = 1; ; tries++) {
    const [free = 0, api = 0, health = 0] = await freePorts(3);
    const otlp = options.port ?? free;
    const child = spawn(program.bin, [`--config=yaml:${JSON.stringify(configuration(otlp, api, health))}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    // There is nothing to keep, and its own way out can take ten seconds.
    t.teardown(() => child.kill('SIGKILL'));
    const ended = once(child, 'close');
    const log = logOf(child);
    if (await isHealthy(child, `http://127.0.0.1:${health}/status`, log)) {
      const query = `http://127.0.0.1:${api}`;
      const stop = async () => {
        child.kill('SIGKILL');
        await ended;
      };
      return { pid: child.pid!, endpoint: `http://127.0.0.1:${otlp}`, query, stop, ...queryAt(query) };
    }
    await ended;
    if (tries === 3 || !log().includes('address already in use')) {
      throw new Error(`Jaeger ended at its start:\n${log()}`);
    }
  }
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
        () => spansAt(`${base}/api/v3/traces/${traceId}?${both('rawTraces', 'true')}`),
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

function configuration(otlp: number, api: number, health: number) {
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
    extensions: {
      healthcheckv2: { use_v2: true, http: { endpoint: `127.0.0.1:${health}` } },
      jaeger_storage: { backends: { memory: { memory: { max_traces: MAX_TRACES } } } },
      jaeger_query: {
        storage: { traces: 'memory' },
        http: { endpoint: `127.0.0.1:${api}` },
        grpc: { endpoint: '127.0.0.1:0' },
      },
    },
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
      extensions: ['healthcheckv2', 'jaeger_storage', 'jaeger_query'],
      // No batch processor: what has been answered has been stored.
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
    },
  };
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** The end of what it writes to stderr. */
function logOf(child: ChildProcess): () => string {
  let log = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4000)));
  return () => log;
}

/** Whether it comes up; false when it ends instead. */
async function isHealthy(child: ChildProcess, url: string, log: () => string): Promise<boolean> {
  const until = performance.now() + PATIENCE;
  while (child.exitCode === null && child.signalCode === null) {
    if (performance.now() > until) throw new Error(`Jaeger does not get healthy at ${url}:\n${log()}`);
    if (await answers(url)) return true;
    await sleep(POLL);
  }
  return false;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
    await response.arrayBuffer();
    return response.ok;
  } catch (error) {
    // Not listening yet.
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** Jaeger 2.13 wants its parameters in snake case, later ones may want camel case. What they don't know they ignore. */
function both(name: string, value: string, prefix = ''): URLSearchParams {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return new URLSearchParams({ [prefix + snake]: value, [prefix + name]: value });
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
  return Object.entries(parameters)
    .map(([name, value]) => both(name, value, 'query.'))
    .join('&');
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
