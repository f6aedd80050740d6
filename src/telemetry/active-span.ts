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

/** How many attributes, events and links a span keeps: what OpenTelemetry's SDK does. */
const MAX_COUNT = 128;
/** How much one span may be given in all, in characters; a number counts as eight. */
const MAX_WEIGHT = 65_536;
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
  readonly #clock: Clock;
  #weight = 0;
  #over = false;

  /** With ids of its own, in the trace of its parent, if it has one. */
  constructor(ids: IdSource, clock: Clock, sampler: Sampler, parent: SpanContext | ActiveSpan | undefined) {
    this.#clock = clock;
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
    return this.isSampled && !this.#over;
  }

  setAttribute(key: string, value: unknown): this {
    if (!this.isRecording() || value === undefined) return this;
    this.#add((this.#additions.attributes ??= {}), key, value);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    for (const [key, value] of Object.entries(attributes)) this.setAttribute(key, value);
    return this;
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (!this.isRecording()) return this;
    const events = (this.#additions.events ??= []);
    if (events.length >= MAX_COUNT) return this;
    const [attributes, at] = isTime(attributesOrTime)
      ? [undefined, time ?? attributesOrTime]
      : [attributesOrTime, time];
    events.push({ name: this.#text(name), time: this.#time(at), attributes: this.#attributes(attributes) });
    return this;
  }

  addLink({ context, attributes }: Link): this {
    if (!this.isRecording()) return this;
    this.link(context, attributes);
    return this;
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  setStatus({ code, message }: SpanStatus): this {
    if (!this.isRecording()) return this;
    this.#additions.status = {
      code,
      ...(message === undefined ? undefined : { message: this.#text(message) }),
    };
    return this;
  }

  updateName(name: string): this {
    if (this.isRecording()) this.#additions.name = this.#text(name);
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
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
    if (links.length < MAX_COUNT)
      links.push({ traceId, spanId, traceFlags, attributes: this.#attributes(attributes) });
  }

  failed(message: string): void {
    this.#additions.message = this.#text(message);
  }

  over(): void {
    this.#over = true;
  }

  /** What its details weigh, in characters and the like. */
  get weight(): number {
    return BASE_WEIGHT + this.#weight;
  }

  get #additions(): SentDetails {
    return (this.details ??= {});
  }

  // ---- What is kept of what it is given. All of it has to go to another thread, and none of it without bound.

  #attributes(given: Attributes = {}): SentAttributes {
    const kept: SentAttributes = {};
    for (const [key, value] of Object.entries(given)) if (value !== undefined) this.#add(kept, key, value);
    return kept;
  }

  #add(to: SentAttributes, key: string, value: unknown): void {
    if (!Object.hasOwn(to, key) && Object.keys(to).length >= MAX_COUNT) return;
    const kept = this.#value(value, MAX_DEPTH);
    if (kept === undefined)
      diag.warn(`The attribute ${key} is of no kind that a span takes: it is left out.`);
    else to[this.#text(key)] = kept;
  }

  /** A copy; nothing, where it is none of the kinds of attributes. */
  #value(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
      case 'boolean':
        this.#weight += 8;
        return value;
      case 'object':
        return value === null ? null : this.#object(value, depth);
      default:
        return undefined;
    }
  }

  #object(value: object, depth: number): unknown {
    this.#weight += 16;
    if (value instanceof Uint8Array) {
      const bytes = value.slice(0, this.#room);
      this.#weight += bytes.length;
      return bytes;
    }
    if (depth === 0) return undefined;
    if (Array.isArray(value))
      return value.slice(0, Math.min(this.#room, 1_024)).map((item) => this.#value(item, depth - 1) ?? null);
    if (value.constructor !== Object && value.constructor !== undefined) return undefined;
    const kept: SentAttributes = {};
    for (const [key, item] of Object.entries(value).slice(0, MAX_COUNT)) {
      const copy = this.#value(item, depth - 1);
      if (copy !== undefined) kept[this.#text(key)] = copy;
    }
    return kept;
  }

  #text(text: string): string {
    const kept = String(text).slice(0, this.#room);
    this.#weight += kept.length + 8;
    return kept;
  }

  get #room(): number {
    return Math.max(0, MAX_WEIGHT - this.#weight);
  }

  #time(time: TimeInput | undefined): SentTime {
    if (time === undefined) return this.#clock.origin + performance.now();
    if (time instanceof Date) return time.getTime();
    // So does the SDK tell a time of `performance.now()` from one since the epoch.
    if (typeof time === 'number' && time < performance.timeOrigin / 2) return this.#clock.origin + time;
    return time;
  }
}

function isTime(value: unknown): value is TimeInput {
  return (
    typeof value === 'number' ||
    value instanceof Date ||
    (Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'number'))
  );
}
