import {
  type Attributes,
  type Context,
  diag,
  type Exception,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanStatus,
  type TimeInput,
  trace,
} from '@opentelemetry/api';
import type { SentAttributes, SentDetails, SentTime } from './beside.ts';
import type { Clock } from './clock.ts';
import type { IdSource } from './ids.ts';
import { hex, type RecordedIds, wordOf } from './record.ts';
import type { Sampler } from './sampling.ts';
import { MAX_MESSAGE, type Thrown } from './thrown.ts';

/** How many attributes, events and links a span keeps: what OpenTelemetry's SDK does. */
const MAX_COUNT = 128;
/** How much one span may be given in all, in characters; a number counts as eight. */
const MAX_WEIGHT = 65_536;
/** What an addition needs at least, beside its name: of what is longer, the beginning is kept. */
const LEAST = 64;
/** What a number weighs, and a text or a name beyond its characters. */
const UNIT = 8;
/** What a list or the like weighs beyond what is in it. */
const OBJECT_WEIGHT = 16;
/** How long a list may be. */
const MAX_LIST = 1_024;
/** How deep an attribute may be. */
const MAX_DEPTH = 4;
/** What a message weighs beyond its text. */
const BASE_WEIGHT = 256;

/** The key under which a context has its span. The API has no name for it, but it uses it. */
const SPAN_KEY: symbol = (() => {
  let found: symbol | undefined;
  const lookout: Context = {
    getValue: () => undefined,
    setValue: (key) => {
      found = key;
      return ROOT_CONTEXT;
    },
    deleteValue: () => ROOT_CONTEXT,
  };
  trace.setSpan(lookout, trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 }));
  return found as symbol;
})();

/** Whose span it is, and what it needs of that: one for all spans. */
export interface SpanSource {
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly sampler: Sampler;
  /** Of spans that are not sampled some are kept, which nobody knows before they end: they collect what they are given. */
  readonly collectsUnsampled: boolean;
}

/**
 * The span of a request while its handler runs, or of a call: its ids, and what is added to it. It becomes a span of the
 * SDK on the exporter's thread. It is also the context in which the handler runs, which has nothing else in it: one object
 * for each request, in place of four.
 */
export class ActiveSpan implements Span, Context, RecordedIds {
  trace0: number;
  trace1: number;
  trace2: number;
  trace3: number;
  span0: number;
  span1: number;
  parent0 = 0;
  parent1 = 0;
  hasParent = false;
  parentIsRemote = false;
  /** A span will be made of it, whatever becomes of the request. */
  readonly isSampled: boolean;
  details: SentDetails | undefined;
  readonly source: SpanSource;
  #weight = 0;
  #over = false;

  /** With ids of its own, in the trace of its parent, if it has one. */
  constructor(source: SpanSource, parent: SpanContext | ActiveSpan | undefined) {
    this.source = source;
    const { ids, sampler } = source;
    const { words } = ids;
    const at = ids.draw();
    this.span0 = words[at] as number;
    this.span1 = words[at + 1] as number;
    if (parent === undefined) {
      this.trace0 = words[at + 2] as number;
      this.trace1 = words[at + 3] as number;
      this.trace2 = words[at + 4] as number;
      this.trace3 = words[at + 5] as number;
      this.isSampled = sampler.isSampled(this.trace0, this.trace1, this.trace2, this.trace3);
      return;
    }
    const { traceId, spanId, traceFlags, isRemote } =
      parent instanceof ActiveSpan ? parent.spanContext() : parent;
    this.hasParent = true;
    this.parentIsRemote = isRemote === true;
    this.parent0 = wordOf(spanId, 0);
    this.parent1 = wordOf(spanId, 1);
    this.trace0 = wordOf(traceId, 0);
    this.trace1 = wordOf(traceId, 1);
    this.trace2 = wordOf(traceId, 2);
    this.trace3 = wordOf(traceId, 3);
    this.isSampled = sampler.isSampled(this.trace0, this.trace1, this.trace2, this.trace3, traceFlags);
  }

  // ---- The span.

  spanContext(): SpanContext {
    return {
      traceId: hex(this.trace0, this.trace1, this.trace2, this.trace3),
      spanId: hex(this.span0, this.span1),
      traceFlags: this.isSampled ? 1 : 0,
    };
  }

  isRecording(): boolean {
    return (this.isSampled || this.source.collectsUnsampled) && !this.#over;
  }

  setAttribute(key: string, value: unknown): this {
    if (!this.isRecording() || value === undefined) return this;
    this.#add((this.#additions.attributes ??= {}), key, value);
    return this;
  }

  // What has no types may give nothing at all: as with the SDK, that is as good as nothing added.

  setAttributes(attributes: Attributes | null | undefined): this {
    for (const [key, value] of Object.entries(attributes ?? {})) this.setAttribute(key, value);
    return this;
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput | null, time?: TimeInput): this {
    if (!this.isRecording()) return this;
    const events = (this.#additions.events ??= []);
    if (events.length >= MAX_COUNT || !this.#hasRoom(name)) return this;
    const [attributes, at] = isTime(attributesOrTime)
      ? [undefined, time ?? attributesOrTime]
      : [attributesOrTime, time];
    events.push({ name: this.#text(name), time: this.#time(at), attributes: this.#attributes(attributes) });
    return this;
  }

  addLink(link: Link | null | undefined): this {
    if (this.isRecording() && link?.context) this.link(link.context, link.attributes);
    return this;
  }

  addLinks(links: Link[] | null | undefined): this {
    for (const link of links ?? []) this.addLink(link);
    return this;
  }

  setStatus(status: SpanStatus | null | undefined): this {
    if (!this.isRecording() || !status) return this;
    const { code, message } = status;
    const additions = this.#additions;
    this.#weight -= weightOf(additions.status?.message);
    // The status itself always has room.
    if (message === undefined || !this.#hasRoom(message)) additions.status = { code };
    else additions.status = { code, message: this.#text(message) };
    return this;
  }

  updateName(name: string): this {
    if (!this.isRecording()) return this;
    const additions = this.#additions;
    const before = weightOf(additions.name);
    this.#weight -= before;
    if (this.#hasRoom(name)) additions.name = this.#text(name);
    else this.#weight += before;
    return this;
  }

  recordException(exception: Exception | null | undefined, time?: TimeInput): void {
    if (!this.isRecording()) return;
    if (exception === undefined || exception === null) {
      diag.warn('An exception that is nothing is not recorded.');
      return;
    }
    const { code, name, message, stack } =
      typeof exception === 'string'
        ? { code: undefined, name: undefined, message: exception, stack: undefined }
        : exception;
    this.addEvent(
      'exception',
      {
        'exception.type': code === undefined ? name : String(code),
        'exception.message': message,
        'exception.stacktrace': stack,
      },
      time,
    );
  }

  /** It is the server that ends it, when the connection is over. */
  end(): void {
    diag.debug('The span of a request ends with its connection.');
  }

  // ---- The context.

  getValue(key: symbol): unknown {
    return key === SPAN_KEY ? this : undefined;
  }

  setValue(key: symbol, value: unknown): Context {
    return trace.setSpan(ROOT_CONTEXT, this).setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return key === SPAN_KEY ? ROOT_CONTEXT : this;
  }

  // ---- The recorder's.

  /** Adds a link, whether it is sampled or not. */
  link({ traceId, spanId, traceFlags }: SpanContext, attributes?: Attributes): void {
    const links = (this.#additions.links ??= []);
    if (links.length >= MAX_COUNT || this.#room < LEAST) return;
    this.#weight += LEAST;
    links.push({ traceId, spanId, traceFlags, attributes: this.#attributes(attributes) });
  }

  /** Has room of its own beside the limit: what is told of a failure is short. */
  failed(message: string, thrown?: Thrown): void {
    const additions = this.#additions;
    additions.message = String(message).slice(0, MAX_MESSAGE);
    if (thrown !== undefined) additions.thrown = thrown;
  }

  over(): void {
    this.#over = true;
  }

  /** What its details weigh, in characters and the like. */
  get weight(): number {
    const { message, thrown } = this.details ?? {};
    const texts = [message, ...Object.values(thrown ?? {})] as (string | undefined)[];
    return texts.reduce((sum, text) => sum + (text?.length ?? 0), BASE_WEIGHT + this.#weight);
  }

  get #additions(): SentDetails {
    return (this.details ??= {});
  }

  // ---- What is kept of what it is given. All of it has to go to another thread, and none of it without bound.

  #attributes(given: Attributes | null | undefined): SentAttributes {
    const kept: SentAttributes = {};
    for (const [key, value] of Object.entries(given ?? {}))
      if (value !== undefined) this.#add(kept, key, value);
    return kept;
  }

  #add(to: SentAttributes, key: string, value: unknown): void {
    const known = Object.hasOwn(to, key);
    if (!known && Object.keys(to).length >= MAX_COUNT) return;
    // What it takes the place of makes room.
    const before = this.#weight;
    if (known) this.#weight -= weightOf(to[key]);
    else this.#weight += key.length + UNIT;
    if (this.#room >= leastOf(value)) {
      const kept = this.#value(value, MAX_DEPTH);
      if (kept !== undefined) {
        to[key] = kept;
        return;
      }
      diag.warn(`The attribute ${key} is of no kind that a span takes: it is left out.`);
    }
    this.#weight = before;
  }

  /** A copy; nothing, where it is none of the kinds of attributes. */
  #value(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
      case 'boolean':
        this.#weight += UNIT;
        return value;
      case 'object':
        return value === null ? null : this.#object(value, depth);
      default:
        return undefined;
    }
  }

  #object(value: object, depth: number): unknown {
    this.#weight += OBJECT_WEIGHT;
    if (value instanceof Uint8Array) {
      // A copy: a slice of a Buffer is none.
      const bytes = new Uint8Array(value.subarray(0, this.#room));
      this.#weight += bytes.length;
      return bytes;
    }
    if (depth === 0) return undefined;
    if (Array.isArray(value)) {
      const list: unknown[] = [];
      for (const item of value.slice(0, MAX_LIST)) {
        if (this.#room < leastOf(item)) break;
        list.push(this.#value(item, depth - 1) ?? null);
      }
      return list;
    }
    if (value.constructor !== Object && value.constructor !== undefined) return undefined;
    const kept: SentAttributes = {};
    for (const [key, item] of Object.entries(value).slice(0, MAX_COUNT)) {
      const before = this.#weight;
      this.#weight += key.length + UNIT;
      const copy = this.#room >= leastOf(item) ? this.#value(item, depth - 1) : undefined;
      if (copy === undefined) this.#weight = before;
      else kept[key] = copy;
    }
    return kept;
  }

  #text(text: string): string {
    const kept = String(text).slice(0, Math.max(0, this.#room - UNIT));
    this.#weight += kept.length + UNIT;
    return kept;
  }

  get #room(): number {
    return Math.max(0, MAX_WEIGHT - this.#weight);
  }

  #hasRoom(text: string): boolean {
    return this.#room >= leastOf(text);
  }

  #time(time: TimeInput | undefined): SentTime {
    if (time === undefined) return this.source.clock.origin + performance.now();
    if (time instanceof Date) return time.getTime();
    // So does the SDK tell a time of `performance.now()` from one since the epoch.
    if (typeof time === 'number' && time < performance.timeOrigin / 2) return this.source.clock.origin + time;
    return time;
  }
}

/** How much room there must be for it. */
function leastOf(value: unknown): number {
  if (typeof value === 'string') return Math.min(value.length + UNIT, LEAST);
  return typeof value === 'object' && value !== null ? LEAST : UNIT;
}

/** What something that was kept was said to weigh. */
function weightOf(kept: unknown): number {
  if (typeof kept === 'string') return kept.length + UNIT;
  if (typeof kept === 'number' || typeof kept === 'boolean') return UNIT;
  if (typeof kept !== 'object' || kept === null) return 0;
  let weight = OBJECT_WEIGHT;
  if (kept instanceof Uint8Array) weight += kept.length;
  else if (Array.isArray(kept)) for (const item of kept) weight += weightOf(item);
  else for (const [key, item] of Object.entries(kept)) weight += key.length + UNIT + weightOf(item);
  return weight;
}

function isTime(value: unknown): value is TimeInput {
  return (
    typeof value === 'number' ||
    value instanceof Date ||
    (Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'number'))
  );
}
