import {
  context,
  type Context,
  type MeterProvider,
  metrics,
  ROOT_CONTEXT,
  type Span,
  trace,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import type { ObservedCall, ObservedServer, ServerObserver, Telemetry } from '../machines/observer.ts';
import { boundedClassifier, type Classify, type MethodOf } from './classify.ts';
import { Clock } from './clock.ts';
import { SCHEMA_URL, SCOPE } from './conventions.ts';
import { Metrics } from './metrics.ts';
import { CallObservation, type CallRecorder, type Recorder, RequestObservation } from './observation.ts';
import { checkObject, checkSwitches } from './options.ts';
import { warn } from './problems.ts';
import { creationAttributes, finishSpan, spanKind, spanName } from './span.ts';
import { trailerOf } from './trace-context.ts';
import { VERSION } from '../version.ts';

/** Options of `openTelemetry`. */
export interface OpenTelemetryOptions {
  /** What makes the spans. Default: the one that the application has registered, or registers later. */
  tracerProvider?: TracerProvider;
  /** What makes the metrics. Default: the one that is registered when this is called. */
  meterProvider?: MeterProvider;
  /** Says what a request asks for, which is its span's name. Default: none, and all have the same name. */
  classify?: Classify;
  /**
   * Tells the server which span its request belongs to, by a trailer behind the request that git's servers do not see.
   * Other servers may take it for an error. It is sent only while the span is sampled. Default false.
   */
  propagate?: boolean;
}

/**
 * Telemetry by OpenTelemetry's API alone: spans and metrics go to the providers of the application, on this thread. For
 * `telemetry` of `serve` and `request`. Without a provider nothing is recorded.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Telemetry {
  checkObject(options);
  checkSwitches({ propagate: options.propagate }, { classify: options.classify });
  return new ApiTelemetry(options);
}

class ApiTelemetry implements Telemetry, Recorder, CallRecorder {
  readonly #tracer: Tracer;
  readonly #metrics: Metrics;
  readonly #methodOf: MethodOf;
  readonly #propagate: boolean;
  readonly #clock = new Clock();

  constructor({ tracerProvider, meterProvider, classify, propagate }: OpenTelemetryOptions) {
    const scope = { schemaUrl: SCHEMA_URL };
    this.#tracer = (tracerProvider ?? trace.getTracerProvider()).getTracer(SCOPE, VERSION, scope);
    this.#metrics = new Metrics(
      (meterProvider ?? metrics.getMeterProvider()).getMeter(SCOPE, VERSION, scope),
    );
    this.#methodOf = boundedClassifier(classify, warn);
    this.#propagate = propagate === true;
  }

  server(server: ObservedServer): ServerObserver {
    const unwatch = this.#metrics.watch(server);
    return {
      connection: (connection) => new RequestObservation(server, connection, this),
      ended: unwatch,
    };
  }

  begin(request: RequestObservation): Context {
    request.method ??= this.#methodOf(() => request.head());
    const parent = parentOf(request);
    const span = this.#start(request, parent);
    request.span = span;
    return trace.setSpan(parent, span);
  }

  waits(request: RequestObservation): void {
    request.method = this.#methodOf(() => request.head());
  }

  end(ended: RequestObservation | CallObservation): void {
    const span = (ended.span as Span | undefined) ?? this.#startUnhandled(ended);
    if (ended.side === 'server' && ended.link !== undefined) span.addLink({ context: ended.link });
    const origin = ended.origin ?? this.#clock.current();
    finishSpan(span, ended, (at) => origin + at);
    this.#metrics.record(ended);
    this.#metrics.addBytes();
  }

  /** A request that ended before it came to a handler has no span yet. */
  #startUnhandled(ended: RequestObservation | CallObservation): Span {
    ended.method ??= this.#methodOf(() => ended.head(), false);
    return this.#start(ended, ended.side === 'server' ? parentOf(ended) : context.active());
  }

  #start(facts: RequestObservation | CallObservation, parent: Context): Span {
    const origin = this.#clock.current();
    facts.origin = origin;
    return this.#tracer.startSpan(
      spanName(facts),
      {
        kind: spanKind(facts),
        attributes: creationAttributes(facts),
        startTime: origin + (facts.times[0] as number),
      },
      parent,
    );
  }

  call(call: ObservedCall): CallObservation {
    const observation = new CallObservation(call, this);
    observation.method = this.#methodOf(() => observation.head());
    const span = this.#start(observation, context.active());
    observation.span = span;
    const spanContext = span.spanContext();
    if (this.#propagate && (spanContext.traceFlags & 1) === 1) observation.toSend = trailerOf(spanContext);
    return observation;
  }
}

function parentOf({ parent }: RequestObservation): Context {
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
}
