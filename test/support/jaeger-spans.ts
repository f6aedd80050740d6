/** The spans of an answer of Jaeger's API v3: OTLP as JSON, in camel or in snake case. */

export type Value = string | number | bigint | boolean | null | Value[] | { [key: string]: Value };
export type Attributes = Readonly<Record<string, Value>>;

export interface Trace {
  readonly traceId: string;
  /** The oldest first. */
  readonly spans: readonly Span[];
}

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** Nanoseconds since 1970, as all times here. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Attributes;
  readonly events: readonly { name: string; time: bigint; attributes: Attributes }[];
  readonly links: readonly { traceId: string; spanId: string; attributes: Attributes }[];
  readonly status: { code: 'unset' | 'ok' | 'error'; message: string };
  /** The attributes of the process that sent it. */
  readonly resource: Attributes;
  /** The instrumentation that made it. */
  readonly scope: { name: string; version: string };
}

/** What OTLP's JSON looks like, as far as it is read. A field with its default value may be missing. */
interface Answer {
  result?: { resourceSpans?: { resource?: Attributed; scopeSpans?: ScopeSpans[] }[] };
}
interface ScopeSpans {
  scope?: { name?: string; version?: string };
  spans?: SentSpan[];
}
interface Attributed {
  attributes?: { key: string; value?: SentValue }[];
}
interface SentSpan extends Attributed {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name?: string;
  kind?: number | string;
  startTimeUnixNano?: string | number;
  endTimeUnixNano?: string | number;
  events?: ({ name?: string; timeUnixNano?: string | number } & Attributed)[];
  links?: ({ traceId: string; spanId: string } & Attributed)[];
  status?: { code?: number | string; message?: string };
}
interface SentValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number;
  /** In base64. */
  bytesValue?: string;
  arrayValue?: { values?: SentValue[] };
  kvlistValue?: { values?: { key: string; value?: SentValue }[] };
}

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const CODES = ['unset', 'ok', 'error'] as const;

/** All spans of an answer, the oldest first. */
export function readSpans(answer: unknown): Span[] {
  const { result } = camelCased(answer) as Answer;
  const spans = (result?.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans: sent = [] }) =>
      sent.map((span) => ({
        ...readSpan(span),
        resource: readAttributes(resource),
        scope: { name: scope?.name ?? '', version: scope?.version ?? '' },
      })),
    ),
  );
  return spans.toSorted((a, b) => Number(a.start - b.start));
}

function readSpan(span: SentSpan): Omit<Span, 'resource' | 'scope'> {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    name: span.name ?? '',
    kind: oneOf(KINDS, span.kind),
    start: BigInt(span.startTimeUnixNano ?? 0),
    end: BigInt(span.endTimeUnixNano ?? 0),
    attributes: readAttributes(span),
    events: (span.events ?? []).map((event) => ({
      name: event.name ?? '',
      time: BigInt(event.timeUnixNano ?? 0),
      attributes: readAttributes(event),
    })),
    links: (span.links ?? []).map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      attributes: readAttributes(link),
    })),
    status: { code: oneOf(CODES, span.status?.code), message: span.status?.message ?? '' },
  };
}

/** An enumeration's value: by its number, or by its name, as in SPAN_KIND_SERVER. */
function oneOf<Name extends string>(names: readonly Name[], value: number | string = 0): Name {
  const named =
    typeof value === 'number' ? names[value] : names.find((name) => value.endsWith(`_${name.toUpperCase()}`));
  if (named === undefined) throw new Error(`Jaeger says ${value}, which is none of ${names.join(', ')}`);
  return named;
}

function readAttributes({ attributes = [] }: Attributed = {}): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, readValue(value)]));
}

function readValue(value: SentValue = {}): Value {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return readInteger(value.intValue);
  if (value.doubleValue !== undefined) return value.doubleValue;
  if (value.bytesValue !== undefined) return value.bytesValue;
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(readValue);
  if (value.kvlistValue !== undefined)
    return { ...readAttributes({ attributes: value.kvlistValue.values ?? [] }) };
  return null;
}

/** A number, where it can be one exactly. */
function readInteger(value: string | number): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : BigInt(value);
}

/** Keys are names of fields here, never those of attributes: these are values. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, its]) => [
      key.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
      camelCased(its),
    ]),
  );
}
