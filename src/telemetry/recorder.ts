import {
  context,
  type Context,
  ROOT_CONTEXT,
  type SpanContext,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { ObservedCall, ObservedServer, ServerObserver, Telemetry } from '../machines/observer.ts';
import { ActiveSpan, type SpanSource } from './active-span.ts';
import type { Beside, SentDetails, SentSpan } from './beside.ts';
import { boundedClassifier, type MethodOf } from './classify.ts';
import { Clock } from './clock.ts';
import { IdSource } from './ids.ts';
import { CallObservation, type CallRecorder, type Recorder, RequestObservation } from './observation.ts';
import type { Settings } from './options.ts';
import { messageOf, type Problems } from './problems.ts';
import { FLAG, writeRecord } from './record.ts';
import type { Ring } from './ring.ts';
import { Sampler } from './sampling.ts';
import { trailerOf } from './trace-context.ts';

/** How often the exporter is told how servers are, in milliseconds. */
const REFRESH = 1_000;

/** What of the settings says how to record. */
export type RecorderSettings = Pick<
  Settings,
  'sampling' | 'keepSlowerThan' | 'keepErrors' | 'measures' | 'classify' | 'propagate'
>;

/** Records requests and calls on the serving thread: in a few hundred nanoseconds each, for the exporter's thread. */
export class RingRecorder implements Telemetry, Recorder, CallRecorder, SpanSource {
  /** Requests and calls that came to an end, and handlers' spans that did, whatever became of them. */
  recorded = 0;
  /** Records of them that get no span. */
  unsampled = 0;
  readonly sampler: Sampler;
  readonly clock = new Clock();
  readonly ids = new IdSource();
  readonly collectsUnsampled: boolean;
  readonly #ring: Ring;
  readonly #beside: Beside;
  readonly #problems: Problems;
  readonly #keepSlowerThan: number;
  readonly #keepErrors: boolean;
  readonly #measures: boolean;
  readonly #propagate: boolean;
  readonly #methodOf: MethodOf;
  /** What a record is told apart by; one object for all of them. */
  readonly #texts = { path: 0, method: 0, outcome: 0 };
  readonly #servers = new Map<number, ObservedServer>();
  readonly #refresh: NodeJS.Timeout;
  #lastServer = 0;
  #closed = false;

  constructor(ring: Ring, beside: Beside, settings: RecorderSettings, problems: Problems) {
    this.#ring = ring;
    this.#beside = beside;
    this.#problems = problems;
    this.sampler = new Sampler(settings.sampling);
    this.#keepSlowerThan = settings.keepSlowerThan;
    this.#keepErrors = settings.keepErrors;
    this.#measures = settings.measures;
    this.collectsUnsampled = settings.keepErrors || settings.keepSlowerThan < Number.POSITIVE_INFINITY;
    this.#propagate = settings.propagate;
    this.#methodOf = boundedClassifier(settings.classify, (message) => problems.report('classify', message));
    this.#refresh = setInterval(() => this.#guarded(() => this.#tellState()), REFRESH).unref();
  }

  /** From now on everything is too late. */
  close(): void {
    if (this.#closed) return;
    this.#guarded(() => this.#tellState());
    this.#closed = true;
    clearInterval(this.#refresh);
    this.#servers.clear();
  }

  /** Records that the exporter has not taken yet. */
  get waiting(): number {
    return this.#ring.waiting;
  }

  /** What is added to times to make them times since the epoch, in milliseconds. */
  get origin(): number {
    return this.clock.origin;
  }

  // ---- Servers.

  server(server: ObservedServer): ServerObserver {
    this.#lastServer += 1;
    const number = this.#lastServer;
    this.#servers.set(number, server);
    this.#guarded(() => this.#tellServer(number, server, false));
    return {
      connection: (connection) => new RequestObservation(server, connection, this),
      ended: () => {
        if (this.#servers.delete(number)) this.#guarded(() => this.#tellServer(number, server, true));
      },
    };
  }

  #tellState(): void {
    if (this.#closed) return;
    if (this.clock.correct()) this.#beside.tell({ kind: 'origin', origin: this.clock.origin });
    for (const [number, server] of this.#servers) this.#tellServer(number, server, false);
  }

  #tellServer(number: number, server: ObservedServer, over: boolean): void {
    if (this.#closed) return;
    const { open, running, waiting, abandoned, refused, acceptErrors } = server.stats();
    const stats = { open, running, waiting, abandoned, refused, acceptErrors };
    this.#beside.tell({ kind: 'server', number, path: server.path, stats, over });
  }

  // ---- Requests and calls.

  begin(request: RequestObservation): Context {
    try {
      request.method ??= this.#methodOf(() => request.head());
      const span = this.#span(request.parent);
      request.span = span;
      return span;
    } catch (error) {
      this.#defect(error);
      return ROOT_CONTEXT;
    }
  }

  waits(request: RequestObservation): void {
    this.#guarded(() => {
      request.method = this.#methodOf(() => request.head());
    });
  }

  call(call: ObservedCall): CallObservation {
    const observation = new CallObservation(call, this);
    this.#guarded(() => {
      observation.method = this.#methodOf(() => observation.head());
      const caller = trace.getSpan(context.active());
      const parent = caller instanceof ActiveSpan ? caller : caller?.spanContext();
      const span = this.#span(
        parent === undefined || parent instanceof ActiveSpan || trace.isSpanContextValid(parent)
          ? parent
          : undefined,
      );
      observation.span = span;
      if (this.#propagate && span.isSampled) observation.toSend = trailerOf(span.spanContext());
    });
    return observation;
  }

  #span(parent: SpanContext | ActiveSpan | undefined): ActiveSpan {
    return new ActiveSpan(this, parent);
  }

  end(ended: RequestObservation | CallObservation): void {
    try {
      this.#record(ended);
    } catch (error) {
      this.#defect(error);
    }
  }

  #record(ended: RequestObservation | CallObservation): void {
    this.recorded += 1;
    const span = (ended.span as ActiveSpan | undefined) ?? this.#spanUnhandled(ended);
    span.over();
    if (this.#closed) return;
    const { failure } = ended;
    const kept =
      span.isSampled ||
      (failure !== undefined && this.#keepErrors) ||
      ended.endedAt - (ended.times[0] as number) > this.#keepSlowerThan;
    if (!kept && !this.#measures) {
      // Nobody would do anything with its record.
      this.unsampled += 1;
      return;
    }
    const record = this.#ring.reserve();
    if (record < 0) {
      this.#ring.count('queueFull', 1);
      return;
    }
    let flags = 0;
    if (ended.side === 'client') flags |= FLAG.client;
    if (ended.transport === 'pipe') flags |= FLAG.pipe;
    if (failure !== undefined) flags |= FLAG.failed;
    if (span.hasParent) flags |= FLAG.hasParent;
    if (span.parentIsRemote) flags |= FLAG.parentIsRemote;
    if (kept) {
      flags |= FLAG.kept;
      if (failure !== undefined) span.failed(failure.message, ended.thrown);
      if (ended.side === 'server' && ended.link !== undefined) span.link(ended.link);
    }
    const texts = this.#texts;
    texts.path = this.#beside.numberOf(ended.path);
    texts.method = ended.method === undefined ? 0 : this.#beside.numberOf(ended.method);
    texts.outcome = this.#beside.numberOf(ended.outcome);
    if (kept && span.details !== undefined && this.#sendDetails(span, span.details)) flags |= FLAG.hasDetails;
    writeRecord(this.#ring, record, ended, span, flags, texts);
    this.#ring.publish();
    if (!kept) this.unsampled += 1;
  }

  /** A request that ended before it came to a handler has no ids yet. */
  #spanUnhandled(ended: RequestObservation | CallObservation): ActiveSpan {
    ended.method ??= this.#methodOf(() => ended.head(), false);
    return this.#span(ended.side === 'server' ? ended.parent : undefined);
  }

  #sendDetails({ span0, span1, weight }: ActiveSpan, details: SentDetails): boolean {
    const message = { kind: 'details', span0, span1, weight, details } as const;
    let sent: boolean;
    try {
      sent = this.#beside.send(message);
    } catch {
      // There is something in them that no other thread can have, such as a function in place of a time.
      this.#ring.count('detailsFull', 1);
      if (details.message === undefined) return false;
      const { message: reason, thrown } = details;
      return this.#beside.send({ ...message, details: { message: reason, ...(thrown && { thrown }) } });
    }
    if (!sent) this.#ring.count('detailsFull', 1);
    return sent;
  }

  /** A span that a handler made, and how to weigh it. */
  sendSpan(span: SentSpan, weigh: (span: SentSpan) => number): void {
    this.recorded += 1;
    if (this.#closed) return;
    let sent: boolean;
    try {
      sent = this.#beside.send({ kind: 'span', weight: weigh(span), span });
    } catch {
      // As with details.
      sent = this.#sendBare(span, weigh);
    }
    if (!sent) this.#ring.count('queueFull', 1);
  }

  #sendBare(span: SentSpan, weigh: (span: SentSpan) => number): boolean {
    const status = { code: typeof span.status.code === 'number' ? span.status.code : SpanStatusCode.UNSET };
    const bare: SentSpan = {
      ...span,
      name: String(span.name),
      status,
      attributes: {},
      events: [],
      links: [],
    };
    try {
      const sent = this.#beside.send({ kind: 'span', weight: weigh(bare), span: bare });
      if (sent) this.#ring.count('detailsFull', 1);
      return sent;
    } catch (error) {
      this.#defect(error);
      return false;
    }
  }

  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#defect(error);
    }
  }

  #defect(error: unknown): void {
    this.#problems.report(
      'defect',
      `Telemetry failed to record something, which is a defect of it (${messageOf(error)}). Serving goes on; please report it.`,
    );
  }
}
