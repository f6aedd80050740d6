/** The exporter's thread: it owns OpenTelemetry's SDK, and makes spans and metrics of what the serving thread recorded. */
import {
  type Context,
  diag,
  DiagConsoleLogger,
  DiagLogLevel,
  type Link,
  metrics,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SamplingDecision,
  SpanStatusCode,
  trace,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import type { Message, SentDetails, SentLink, SentSpan } from './beside.ts';
import { SCHEMA_URL, SCOPE } from './conventions.ts';
import type { RequestFacts } from './facts.ts';
import { type Gauges, Metrics } from './metrics.ts';
import { messageOf } from './problems.ts';
import { readRecord, type StoredRequest } from './record.ts';
import { Ring } from './ring.ts';
import { creationAttributes, finishSpan, spanKind, spanName } from './span.ts';
import type { FromExporter, ToExporter } from './thread.ts';
import { VERSION } from '../version.ts';

/** How often it is looked whether enough has come, in milliseconds. */
const POLL = 50;
/** How long less than a batch waits for more, in milliseconds. */
const PATIENCE = 250;
/** The most records that are read before others on this thread have their turn. */
const READ_AT_ONCE = 4_096;
/**
 * The most spans that are exported at once, and as many as are waited for: each time this thread and the collector wake,
 * they interrupt the server and its clients, so they wake seldom.
 */
const BATCH = 2_048;
/** What the spans of a batch weigh at most beyond their records, in characters and the like: collectors refuse a request that is too long. */
const BATCH_WEIGHT = 2 ** 20;
/** How many spans wait here for a collector that is slow, beyond what waits in the ring. */
const MAX_PENDING = BATCH;

const { buffer, port, origin, serviceName, argv } = workerData as ToExporter;
// The SDK describes the process by it, and would show this file.
process.argv = [...argv];
const main = parentPort as MessagePort;

/** The ids of the next span that the SDK makes. */
const ids = { traceId: '', spanId: '' };

/** A span to be made, and what it frees then. */
interface Pending {
  readonly make: () => void;
  readonly weight: number;
}

class Exporter {
  readonly #ring = new Ring(buffer);
  readonly #sdk: NodeSDK;
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #metrics: Metrics;
  readonly #texts: string[] = [''];
  readonly #details: (Message & { kind: 'details' })[] = [];
  readonly #pending: Pending[] = [];
  readonly #servers = new Map<number, { stats: Gauges['stats']; unwatch: () => void }>();
  readonly #textOf = (number: number) => this.#text(number);
  #origin = origin;
  #exporting = false;
  /** When records were read last. */
  #readAt = performance.now();
  /** What has come beside the ring, and waits here. */
  #weight = 0;
  /** Of the batch that is being exported: what the collector took the batch without. */
  #rejected = 0;
  /** Drops that the metrics have been told of. */
  #told = 0;
  #onIdle: (() => void) | undefined;

  constructor() {
    this.#sdk = new NodeSDK({
      ...(serviceName === undefined ? undefined : { serviceName }),
      idGenerator: { generateTraceId: () => ids.traceId, generateSpanId: () => ids.spanId },
      // What to keep has been decided already.
      sampler: { shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED }) },
      instrumentations: [],
    });
    this.#listenToSdk();
    this.#sdk.start();
    const provider = trace.getTracerProvider();
    this.#provider = provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
    this.#tracer = this.#provider.getTracer(SCOPE, VERSION, { schemaUrl: SCHEMA_URL });
    this.#metrics = new Metrics(
      metrics.getMeterProvider().getMeter(SCOPE, VERSION, { schemaUrl: SCHEMA_URL }),
    );
  }

  /** The SDK says only to its logger what became of metrics, and what of a batch the collector did not take. */
  #listenToSdk(): void {
    const level = process.env['OTEL_LOG_LEVEL']?.trim().toUpperCase() ?? '';
    const asked = (DiagLogLevel as unknown as Record<string, DiagLogLevel | undefined>)[level];
    const log = new DiagConsoleLogger();
    const passOn =
      (name: 'error' | 'warn' | 'info' | 'debug' | 'verbose', from: DiagLogLevel): typeof log.error =>
      (...args) => {
        if ((asked ?? DiagLogLevel.NONE) >= from) log[name](...args);
      };
    const error = passOn('error', DiagLogLevel.ERROR);
    const warn = passOn('warn', DiagLogLevel.WARN);
    diag.setLogger(
      {
        error: (message, ...args) => {
          error(message, ...args);
          problem('sdk', `OpenTelemetry's SDK reports an error: ${messageIn(message)}`);
        },
        warn: (message, ...args) => {
          warn(message, ...args);
          if (message.startsWith('Received Partial Success')) this.#rejected += rejectedIn(args[0]);
        },
        info: passOn('info', DiagLogLevel.INFO),
        debug: passOn('debug', DiagLogLevel.DEBUG),
        verbose: passOn('verbose', DiagLogLevel.VERBOSE),
      },
      { logLevel: Math.max(asked ?? DiagLogLevel.NONE, DiagLogLevel.WARN), suppressOverrideMessage: true },
    );
  }

  // ---- What comes from the serving thread.

  /** Takes what has come, and exports it, where that is enough. */
  pump(): void {
    this.#receive();
    if (!this.#isDue) return;
    this.#readAt = performance.now();
    let left = READ_AT_ONCE;
    for (; left > 0; left -= 1) {
      const record = this.#ring.oldest();
      // While the collector is slow, the ring is where requests wait; until it is nearly full, when only metrics stay whole.
      if (record < 0 || (this.#isFull && this.#ring.waiting < this.#ring.capacity * 0.75)) break;
      const stored = readRecord(this.#ring, record, this.#textOf);
      this.#ring.release();
      this.#take(stored);
    }
    this.#metrics.addBytes();
    this.#tellDrops();
    if (left === 0) setImmediate(() => this.pump());
    if (this.#exporting) return;
    if (this.#pending.length > 0) void this.#export();
    else if (left > 0) this.#onIdle?.();
  }

  /** Whether there is a batch; or less than that has waited long, or has no room to wait. */
  get #isDue(): boolean {
    const { waiting, capacity } = this.#ring;
    return (
      this.#onIdle !== undefined ||
      this.#pending.length + waiting >= BATCH ||
      waiting >= capacity / 4 ||
      this.#weight >= BATCH_WEIGHT ||
      performance.now() - this.#readAt >= PATIENCE
    );
  }

  get #isFull(): boolean {
    return this.#pending.length >= MAX_PENDING;
  }

  #receive(): void {
    for (;;) {
      const received = receiveMessageOnPort(port) as { message: Message } | undefined;
      if (received === undefined) return;
      this.#understand(received.message);
    }
  }

  #understand(message: Message): void {
    switch (message.kind) {
      case 'text':
        this.#texts[message.number] = message.text;
        break;
      case 'details':
        this.#details.push(message);
        this.#weight += message.weight;
        break;
      case 'span':
        this.#pending.push({ weight: message.weight, make: () => this.#makeSent(message.span) });
        this.#weight += message.weight;
        break;
      case 'server':
        this.#serverIs(message);
        break;
      case 'origin':
        this.#origin = message.origin;
        break;
      default:
        message satisfies never;
        throw new Error(`The exporter was sent what it does not know: ${JSON.stringify(message)}`);
    }
  }

  /** It was sent before the record that names it was written, so it has come by now. */
  #text(number: number): string {
    if (this.#texts[number] === undefined) this.#receive();
    return this.#texts[number] ?? '';
  }

  #detailsOf({ span0, span1 }: StoredRequest): (Message & { kind: 'details' }) | undefined {
    if (this.#details.length === 0) this.#receive();
    for (;;) {
      const details = this.#details.shift();
      if (details === undefined || (details.span0 === span0 && details.span1 === span1)) return details;
      this.#free(details.weight);
    }
  }

  #serverIs({ number, path, stats, over }: Message & { kind: 'server' }): void {
    let server = this.#servers.get(number);
    if (server === undefined) {
      const gauges = { path, stats: () => stats };
      server = Object.assign(gauges, { unwatch: this.#metrics.watch(gauges) });
      this.#servers.set(number, server);
    }
    server.stats = () => stats;
    if (!over) return;
    server.unwatch();
    this.#servers.delete(number);
  }

  #take(stored: StoredRequest): void {
    this.#metrics.record(stored.facts);
    const sent = stored.hasDetails ? this.#detailsOf(stored) : undefined;
    if (!stored.kept) return;
    const weight = sent?.weight ?? 0;
    if (this.#isFull) {
      this.#free(weight);
      this.#failed(1);
      return;
    }
    const since = this.#origin;
    this.#pending.push({ weight, make: () => this.#makeRequest(stored, sent?.details, since) });
  }

  #free(weight: number): void {
    this.#weight -= weight;
    this.#ring.free(weight);
  }

  // ---- Spans.

  #makeRequest(stored: StoredRequest, details: SentDetails | undefined, since: number): void {
    const { failure } = stored.facts;
    const facts: RequestFacts = {
      ...stored.facts,
      failure: failure && { ...failure, message: details?.message ?? '' },
      thrown: details?.thrown,
    };
    const epoch = (at: number) => since + at;
    ids.traceId = stored.traceId;
    ids.spanId = stored.spanId;
    const span = this.#tracer.startSpan(
      details?.name ?? spanName(facts),
      {
        kind: spanKind(facts),
        attributes: creationAttributes(facts),
        startTime: epoch(facts.times[0] as number),
        links: linksOf(details?.links),
      },
      contextOf(stored),
    );
    if (details?.attributes !== undefined) span.setAttributes(details.attributes);
    for (const { name, attributes, time } of details?.events ?? []) span.addEvent(name, attributes, time);
    if (details?.status !== undefined) span.setStatus(details.status);
    finishSpan(span, facts, epoch);
  }

  #makeSent(sent: SentSpan): void {
    ids.traceId = sent.traceId;
    ids.spanId = sent.spanId;
    const { name, version, schemaUrl } = sent.scope;
    const span = this.#provider
      .getTracer(name, version, schemaUrl === undefined ? undefined : { schemaUrl })
      .startSpan(
        sent.name,
        {
          kind: sent.kind,
          attributes: sent.attributes,
          startTime: sent.startTime,
          links: linksOf(sent.links),
        },
        contextOf(sent),
      );
    for (const event of sent.events) span.addEvent(event.name, event.attributes, event.time);
    if (sent.status.code !== SpanStatusCode.UNSET) span.setStatus(sent.status);
    span.end(sent.endTime);
  }

  /** Makes a batch of spans and waits for what becomes of them. */
  async #export(): Promise<void> {
    this.#exporting = true;
    this.#rejected = 0;
    let made = 0;
    for (const { make, weight } of this.#nextBatch()) {
      this.#free(weight);
      try {
        make();
        made += 1;
      } catch (error) {
        this.#failed(1);
        problem('defect', `Telemetry could not make a span of a record: ${messageOf(error)}`);
      }
    }
    try {
      await this.#flush();
      const rejected = Math.min(this.#rejected, made);
      this.#ring.count('exported', made - rejected);
      this.#failed(rejected);
      if (rejected > 0)
        problem('rejected', `The collector did not take ${rejected} spans of a batch; see its log.`);
    } catch (error) {
      this.#failed(made);
      problem(
        'export-failed',
        `The collector takes no spans (${reasonsOf(error)}), so they are dropped and counted. ${adviceFor(error)}`,
      );
    }
    this.#exporting = false;
    this.pump();
  }

  /** The next spans to export: one at least. */
  #nextBatch(): Pending[] {
    let count = 0;
    let left = BATCH_WEIGHT;
    for (const { weight } of this.#pending) {
      left -= weight;
      if (count === BATCH || (left < 0 && count > 0)) break;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  async #flush(): Promise<void> {
    const provider = this.#provider as TracerProvider & { forceFlush?: () => Promise<void> };
    if (provider.forceFlush === undefined)
      throw new Error(`there is no exporter of the name in OTEL_TRACES_EXPORTER`);
    await provider.forceFlush();
  }

  #failed(count: number): void {
    if (count === 0) return;
    this.#ring.count('exportFailed', count);
    this.#metrics.dropped(count, 'export-failed');
  }

  #tellDrops(): void {
    const total = this.#ring.counted('queueFull');
    if (total > this.#told) this.#metrics.dropped(total - this.#told, 'queue-full');
    this.#told = total;
  }

  // ---- The end.

  /** Exports all that is left, spans and metrics. */
  async drain(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      this.pump();
    });
    await this.#sdk.shutdown();
  }
}

function contextOf({ traceId, parent }: Pick<StoredRequest, 'traceId' | 'parent'>): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceId, traceFlags: 1 });
}

function linksOf(links: readonly SentLink[] = []): Link[] {
  return links.map(({ traceId, spanId, traceFlags, attributes }) => ({
    context: { traceId, spanId, traceFlags },
    attributes,
  }));
}

/** What an error of the SDK says, which it logs as JSON. */
function messageIn(logged: string): string {
  try {
    return String((JSON.parse(logged) as { message?: unknown }).message ?? logged);
  } catch {
    return logged;
  }
}

/** How many spans the collector's answer says that it did not take. */
function rejectedIn(answer: unknown): number {
  try {
    const { rejectedSpans } = JSON.parse(String(answer)) as { rejectedSpans?: string | number };
    return Number(rejectedSpans ?? 0);
  } catch {
    // It is no JSON: then it says nothing of spans.
    return 0;
  }
}

/** What the SDK rejects a flush with: one error for each exporter. */
function reasonsOf(errors: unknown): string {
  return listOf(errors)
    .map((error) => messageOf(error))
    .join(', ');
}

/** The SDK gives one error, or a list. */
function listOf(errors: unknown): readonly unknown[] {
  return Array.isArray(errors) ? errors : [errors];
}

function adviceFor(errors: unknown): string {
  const isNoHttp = listOf(errors).some((error) =>
    String((error as NodeJS.ErrnoException)?.code).startsWith('HPE_'),
  );
  return isNoHttp
    ? 'What listens there does not speak HTTP. OTLP over HTTP has port 4318 as a rule; 4317 is that of gRPC.'
    : 'Check that it runs, and the endpoint.';
}

function problem(about: string, message: string): void {
  main.postMessage({ kind: 'problem', about, message } satisfies FromExporter);
}

const exporter = new Exporter();
const poll = setInterval(() => exporter.pump(), POLL);
main.on('message', async () => {
  try {
    await exporter.drain();
  } catch (error) {
    problem('shutdown', `The exporter could not end as it should: ${reasonsOf(error)}`);
  }
  clearInterval(poll);
  main.postMessage({ kind: 'drained' } satisfies FromExporter);
  main.close();
});
