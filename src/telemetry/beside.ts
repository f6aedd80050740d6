import type { HrTime, SpanKind, SpanStatus } from '@opentelemetry/api';
import type { MessagePort } from 'node:worker_threads';
import type { ObservedStats } from '../machines/observer.ts';
import { OTHER } from './conventions.ts';
import type { Ring } from './ring.ts';
import type { Thrown } from './thrown.ts';

/** Attributes that can be sent to another thread. */
export type SentAttributes = Record<string, unknown>;

/** A time in milliseconds since the epoch, or as OpenTelemetry writes it. */
export type SentTime = number | HrTime;

export interface SentEvent {
  readonly name: string;
  readonly time: SentTime;
  readonly attributes: SentAttributes;
}

export interface SentLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly attributes: SentAttributes;
}

/** What a request's span has beyond its record. */
export interface SentDetails {
  name?: string;
  attributes?: SentAttributes;
  events?: SentEvent[];
  links?: SentLink[];
  status?: SpanStatus;
  /** Why the request failed. */
  message?: string;
  /** What its handler has thrown. */
  thrown?: Thrown;
}

/** A span that a handler made, and has ended. */
export interface SentSpan {
  readonly scope: { readonly name: string; readonly version?: string; readonly schemaUrl?: string };
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: { readonly spanId: string; readonly isRemote: boolean } | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly status: SpanStatus;
  readonly attributes: SentAttributes;
  readonly events: readonly SentEvent[];
  readonly links: readonly SentLink[];
}

/** What goes to the exporter beside the ring. It comes before the records that are written after it. */
export type Message =
  /** A string that records name by its number. */
  | { readonly kind: 'text'; readonly number: number; readonly text: string }
  /** Of the request whose span has that id: one of the next records. */
  | {
      readonly kind: 'details';
      readonly span0: number;
      readonly span1: number;
      readonly weight: number;
      readonly details: SentDetails;
    }
  | { readonly kind: 'span'; readonly weight: number; readonly span: SentSpan }
  /** How a server is, or was when it ended. */
  | {
      readonly kind: 'server';
      readonly number: number;
      readonly path: string;
      readonly stats: ObservedStats;
      readonly over: boolean;
    }
  /** What to add to times from now on. */
  | { readonly kind: 'origin'; readonly origin: number };

/** How many strings have a number: a client may call ever new paths, and get ever new errors. */
const MAX_TEXTS = 4_096;
/** The longest string that has one, in characters. */
const MAX_TEXT = 1_024;
/** What may wait for the exporter, in characters and the like. */
const MAX_WEIGHT = 2 ** 25;

/** The way to the exporter beside the ring: for what most requests do not have. Bounded as the ring is. */
export class Beside {
  readonly #port: MessagePort;
  readonly #ring: Ring;
  readonly #numbers = new Map<string, number>();
  #sent = 0;

  constructor(port: MessagePort, ring: Ring) {
    this.#port = port;
    this.#ring = ring;
    this.numberOf(OTHER);
  }

  /** The number of a string; that of `_OTHER` where there are too many. */
  numberOf(text: string): number {
    return this.#numbers.get(text) ?? this.#introduce(text);
  }

  #introduce(text: string): number {
    if (this.#numbers.size >= MAX_TEXTS) return 1;
    const number = this.#numbers.size + 1;
    this.#numbers.set(text, number);
    this.#port.postMessage({ kind: 'text', number, text: text.slice(0, MAX_TEXT) } satisfies Message);
    return number;
  }

  /** Sends it, unless too much waits already. */
  send(message: Message & { readonly weight: number }): boolean {
    if (((this.#sent - this.#ring.freed) | 0) + message.weight > MAX_WEIGHT) return false;
    this.#port.postMessage(message);
    this.#sent = (this.#sent + message.weight) | 0;
    return true;
  }

  /** Sends what is small, and comes once a second at most. */
  tell(message: Message & { readonly kind: 'server' | 'origin' }): void {
    this.#port.postMessage(message);
  }

  close(): void {
    this.#port.close();
  }
}
