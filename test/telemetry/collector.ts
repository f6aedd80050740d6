import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';

/** A span as the collector got it. */
export interface CollectedSpan {
  readonly name: string;
  readonly scope: string;
  readonly service: unknown;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly kind: number;
  /** Bit 0: sampled. Bit 8: it is known, in bit 9, whether its parent is in another process. */
  readonly flags: number;
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Record<string, unknown>;
  readonly events: readonly { name: string; time: number; attributes: Record<string, unknown> }[];
  readonly links: readonly { traceId: string; spanId: string }[];
  readonly status: { code?: number; message?: string };
}

/** A data point of a metric as the collector got it. */
export interface CollectedPoint {
  readonly metric: string;
  readonly attributes: Record<string, unknown>;
  readonly count: number | undefined;
  readonly value: number | undefined;
  readonly bounds: readonly number[] | undefined;
}

/** A collector of OTLP over HTTP as JSON, with the faults of real ones. */
export interface Collector {
  readonly endpoint: string;
  readonly spans: CollectedSpan[];
  readonly points: CollectedPoint[];
  /** Requests that came, answered or not. */
  readonly requests: number;
  /** How it answers: takes all, has no time, never answers for spans, or takes all but so many of them. */
  mode: 'takes' | 'busy' | 'hangs' | { readonly rejects: number };
  /** It is gone, with its connections. */
  die(): Promise<void>;
  /** It is back at its port. */
  revive(): Promise<void>;
}

/** What tests give as the environment of telemetry. */
export const TEST_ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
};

export async function collector(t: ExecutionContext): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const points: CollectedPoint[] = [];
  let requests = 0;
  let port = 0;
  let server: Server;

  const answer = (path: string | undefined, body: string, response: ServerResponse) => {
    const mode = it.mode === 'hangs' && path !== '/v1/traces' ? 'takes' : it.mode;
    if (mode === 'hangs') return;
    response.statusCode = mode === 'busy' ? 503 : 200;
    if (mode === 'takes' || typeof mode === 'object') {
      const sent = JSON.parse(body) as { resourceSpans?: Json[]; resourceMetrics?: Json[] };
      spans.push(...(sent.resourceSpans ?? []).flatMap(spansIn));
      points.push(...(sent.resourceMetrics ?? []).flatMap(pointsIn));
    }
    response.setHeader('content-type', 'application/json');
    response.end(
      typeof mode === 'object' ? JSON.stringify({ partialSuccess: { rejectedSpans: mode.rejects } }) : '{}',
    );
  };
  const listen = async () => {
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        requests += 1;
        answer(request.url, body, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  };
  const die = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const it: Collector = {
    mode: 'takes',
    get endpoint() {
      return `http://127.0.0.1:${port}`;
    },
    spans,
    points,
    get requests() {
      return requests;
    },
    die,
    revive: listen,
  };
  await listen();
  t.teardown(die);
  return it;
}

/** What is read of OTLP as JSON. */
type Json = Readonly<Record<string, unknown>> & {
  readonly [key in 'attributes' | 'scopeSpans' | 'spans' | 'events' | 'links']?: Json[];
} & { readonly [key in 'scopeMetrics' | 'metrics' | 'dataPoints']?: Json[] } & {
  readonly [key in 'resource' | 'scope' | 'value' | 'arrayValue' | 'histogram' | 'sum' | 'gauge']?: Json;
};

function spansIn(of: Json): CollectedSpan[] {
  const resource = attributesIn(of.resource);
  return (of.scopeSpans ?? []).flatMap(({ scope, spans = [] }) =>
    spans.map((span) => ({
      name: span['name'] as string,
      scope: scope?.['name'] as string,
      service: resource['service.name'],
      resource,
      traceId: span['traceId'] as string,
      spanId: span['spanId'] as string,
      parentSpanId: span['parentSpanId'] as string | undefined,
      kind: span['kind'] as number,
      flags: span['flags'] as number,
      start: millisecondsIn(span['startTimeUnixNano']),
      end: millisecondsIn(span['endTimeUnixNano']),
      attributes: attributesIn(span),
      events: (span.events ?? []).map((event) => ({
        name: event['name'] as string,
        time: millisecondsIn(event['timeUnixNano']),
        attributes: attributesIn(event),
      })),
      links: (span.links ?? []).map((link) => ({
        traceId: link['traceId'] as string,
        spanId: link['spanId'] as string,
      })),
      status: span['status'] as CollectedSpan['status'],
    })),
  );
}

function pointsIn(of: Json): CollectedPoint[] {
  return (of.scopeMetrics ?? []).flatMap(({ metrics = [] }) =>
    metrics.flatMap((metric) =>
      ((metric.histogram ?? metric.sum ?? metric.gauge)?.dataPoints ?? []).map((point) => ({
        metric: metric['name'] as string,
        attributes: attributesIn(point),
        count: point['count'] === undefined ? undefined : Number(point['count']),
        value:
          (point['asInt'] ?? point['asDouble']) === undefined
            ? undefined
            : Number(point['asInt'] ?? point['asDouble']),
        bounds: point['explicitBounds'] as number[] | undefined,
      })),
    ),
  );
}

function attributesIn(of: Json | undefined): Record<string, unknown> {
  return Object.fromEntries(
    (of?.attributes ?? []).map(({ key, value }) => [key as string, valueIn(value as Json)]),
  );
}

function valueIn(value: Json): unknown {
  const list = value.arrayValue as { values?: Json[] } | undefined;
  if (list !== undefined) return (list.values ?? []).map(valueIn);
  const [kind, it] = Object.entries(value)[0] ?? [];
  return kind === 'intValue' ? Number(it) : it;
}

function millisecondsIn(nanoseconds: unknown): number {
  return Number(BigInt(nanoseconds as string)) / 1e6;
}
