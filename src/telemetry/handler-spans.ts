import {
  context,
  type Context,
  createContextKey,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SamplingDecision,
  trace,
} from '@opentelemetry/api';
import type { NodeSDK, NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import type { SentAttributes, SentLink, SentSpan } from './beside.ts';
import { ActiveSpan } from './active-span.ts';
import { RingRecorder } from './recorder.ts';

type SpanProcessor = NonNullable<NodeSDKConfiguration['spanProcessors']>[number];
type ReadableSpan = Parameters<SpanProcessor['onEnd']>[0];

/** What a span and each of its events and links weigh beyond their text, in characters. */
const BASE_WEIGHT = 512;
const PART_WEIGHT = 64;

/** Those whose telemetry runs. What the API has of them is one for all of the process. */
const running: RingRecorder[] = [];
/** Whose the spans are that handlers have made. */
const owners = new WeakMap<object, RingRecorder>();
/** What undoes the set-up that they share. */
let undo: (() => Promise<void>) | undefined;

/** Whose server's request a context is of; where that cannot be told, the one that began last. */
function ownerIn(from: Context): RingRecorder | undefined {
  const span = trace.getSpan(from);
  if (span instanceof ActiveSpan && span.source instanceof RingRecorder) return span.source;
  return (span && owners.get(span)) ?? running.at(-1);
}

/**
 * Sees to it that the spans that handlers make themselves are recorded, as children of the request's. An application that
 * has registered a provider of its own has them there; else the stock SDK makes them on this thread, and they go to the
 * exporter's as requests do. Gives what undoes it.
 */
export async function recordHandlerSpans(recorder: RingRecorder): Promise<() => Promise<void>> {
  if (undo === undefined && !(hasProvider() && hasContexts())) {
    const { NodeSDK: Sdk } = await import('@opentelemetry/sdk-node');
    // Another may have come first.
    undo ??= setUp(Sdk);
  }
  running.push(recorder);
  return async () => {
    running.splice(running.indexOf(recorder), 1);
    if (running.length > 0) return;
    const last = undo;
    undo = undefined;
    await last?.();
  };
}

function setUp(Sdk: typeof NodeSDK): () => Promise<void> {
  const needsProvider = !hasProvider();
  const needsContexts = !hasContexts();
  const sdk = started(Sdk, {
    sampler,
    spanProcessors: needsProvider ? [new Forwarder()] : [],
    metricReaders: [],
    instrumentations: [],
    // The exporter's thread says whose spans they are.
    autoDetectResources: false,
    textMapPropagator: null,
    ...(needsContexts ? undefined : { contextManager: null as never }),
  });
  return async () => {
    // At once: the next one may be about to begin.
    if (needsProvider) trace.disable();
    if (needsContexts) context.disable();
    await sdk.shutdown();
  };
}

const sampler = {
  shouldSample: (from: Context, traceId: string) =>
    ownerIn(from)?.sampler.forSdk.shouldSample(from, traceId) ?? { decision: SamplingDecision.NOT_RECORD },
  toString: () => 'SimpleIpcSampler',
};

/** Starts the SDK without its logs, which it has no option for. */
function started(Sdk: typeof NodeSDK, configuration: Partial<NodeSDKConfiguration>): NodeSDK {
  const name = 'OTEL_LOGS_EXPORTER';
  const { [name]: before } = process.env;
  process.env[name] = 'none';
  try {
    const sdk = new Sdk(configuration);
    sdk.start();
    return sdk;
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}

function hasProvider(): boolean {
  const provider = trace.getTracerProvider();
  const nothing = new ProxyTracerProvider().getDelegate();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== nothing;
}

function hasContexts(): boolean {
  const key = createContextKey('simple-ipc is there a context manager');
  return context.with(ROOT_CONTEXT.setValue(key, true), () => context.active().getValue(key) === true);
}

/** Hands on the spans that have ended. */
class Forwarder implements SpanProcessor {
  onStart(span: object, from: Context): void {
    const owner = ownerIn(from);
    if (owner !== undefined) owners.set(span, owner);
  }

  onEnd(span: ReadableSpan): void {
    const { traceId, spanId, traceFlags } = span.spanContext();
    if ((traceFlags & 1) === 0) return;
    const { name, version, schemaUrl } = span.instrumentationScope;
    const parent = span.parentSpanContext;
    const sent: SentSpan = {
      scope: {
        name,
        ...(version === undefined ? undefined : { version }),
        ...(schemaUrl === undefined ? undefined : { schemaUrl }),
      },
      traceId,
      spanId,
      parent: parent && { spanId: parent.spanId, isRemote: parent.isRemote === true },
      name: span.name,
      kind: span.kind,
      startTime: span.startTime,
      endTime: span.endTime,
      status: span.status,
      attributes: span.attributes,
      events: span.events.map((event) => ({
        name: event.name,
        time: event.time,
        attributes: event.attributes ?? {},
      })),
      links: span.links.map((link): SentLink => ({
        traceId: link.context.traceId,
        spanId: link.context.spanId,
        traceFlags: link.context.traceFlags,
        attributes: link.attributes ?? {},
      })),
    };
    owners.get(span)?.sendSpan(sent, weightOf);
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function weightOf({ name, status, attributes, events, links }: SentSpan): number {
  let weight = BASE_WEIGHT + name.length + (status.message?.length ?? 0) + textIn(attributes);
  for (const event of events) weight += event.name.length;
  for (const part of [...events, ...links]) weight += PART_WEIGHT + textIn(part.attributes);
  return weight;
}

/** About how much there is in attributes, in characters. */
function textIn(value: SentAttributes | unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let weight = 16;
  for (const [key, item] of Object.entries(value)) weight += key.length + textIn(item);
  return weight;
}
