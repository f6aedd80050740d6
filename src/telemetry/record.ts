import { NEVER, PHASES, type RequestFacts } from './facts.ts';
import { RECORD_BYTES, type Ring } from './ring.ts';

/*
 * A record is eight 64-bit numbers, of which the first five are the times of the phases, and sixteen 32-bit words.
 */
const ENDED_AT = 5;
const REQUEST_BYTES = 6;
const RESPONSE_BYTES = 7;
/** Words, from the start of a record. */
const TRACE_ID = 16;
const SPAN_ID = 20;
const PARENT_ID = 22;
const REQUEST_PACKETS = 24;
const RESPONSE_PACKETS = 25;
const CONNECTION = 26;
const FLAGS = 27;
const PATH = 28;
const METHOD = 29;
const OUTCOME = 30;

/** What is true of a record. */
export const FLAG = {
  client: 1,
  pipe: 2,
  /** A span is made of it. */
  kept: 4,
  failed: 8,
  hasParent: 16,
  parentIsRemote: 32,
  /** Details have been sent beside the ring. */
  hasDetails: 64,
} as const;

/** The ids of a span, and of the one that it belongs to, in 32-bit words. */
export interface RecordedIds {
  trace0: number;
  trace1: number;
  trace2: number;
  trace3: number;
  span0: number;
  span1: number;
  parent0: number;
  parent1: number;
}

/** Strings stand in records as numbers, from 1; 0 is none. */
export interface RecordedTexts {
  path: number;
  method: number;
  outcome: number;
}

/** Writes the record of that number. */
export function writeRecord(
  { numbers, words }: Ring,
  record: number,
  facts: RequestFacts,
  ids: RecordedIds,
  flags: number,
  texts: RecordedTexts,
): void {
  const { times } = facts;
  const at = record * (RECORD_BYTES / 8);
  numbers[at] = times[0] as number;
  numbers[at + 1] = times[1] as number;
  numbers[at + 2] = times[2] as number;
  numbers[at + 3] = times[3] as number;
  numbers[at + 4] = times.length > 4 ? (times[4] as number) : NEVER;
  numbers[at + ENDED_AT] = facts.endedAt;
  numbers[at + REQUEST_BYTES] = facts.requestBytes;
  numbers[at + RESPONSE_BYTES] = facts.responseBytes;
  const word = record * (RECORD_BYTES / 4);
  words[word + TRACE_ID] = ids.trace0;
  words[word + TRACE_ID + 1] = ids.trace1;
  words[word + TRACE_ID + 2] = ids.trace2;
  words[word + TRACE_ID + 3] = ids.trace3;
  words[word + SPAN_ID] = ids.span0;
  words[word + SPAN_ID + 1] = ids.span1;
  words[word + PARENT_ID] = ids.parent0;
  words[word + PARENT_ID + 1] = ids.parent1;
  words[word + REQUEST_PACKETS] = facts.requestPackets;
  words[word + RESPONSE_PACKETS] = facts.responsePackets;
  words[word + CONNECTION] = facts.connection ?? 0;
  words[word + FLAGS] = flags;
  words[word + PATH] = texts.path;
  words[word + METHOD] = texts.method;
  words[word + OUTCOME] = texts.outcome;
}

/** A record as the exporter reads it. */
export interface StoredRequest {
  readonly facts: RequestFacts;
  readonly kept: boolean;
  readonly hasDetails: boolean;
  readonly traceId: string;
  readonly spanId: string;
  /** The same, as two words. */
  readonly span0: number;
  readonly span1: number;
  readonly parent: { readonly spanId: string; readonly isRemote: boolean } | undefined;
}

/** Reads the record of that number. A failure has its outcome for a type, and a message only in its details. */
export function readRecord(
  { numbers, words }: Ring,
  record: number,
  textOf: (number: number) => string,
): StoredRequest {
  const at = record * (RECORD_BYTES / 8);
  const word = record * (RECORD_BYTES / 4);
  const wordAt = (place: number) => words[word + place] as number;
  const flags = wordAt(FLAGS);
  const is = (flag: number) => (flags & flag) !== 0;
  const side = is(FLAG.client) ? 'client' : 'server';
  const outcome = textOf(wordAt(OUTCOME));
  return {
    facts: {
      side,
      path: textOf(wordAt(PATH)),
      transport: is(FLAG.pipe) ? 'pipe' : 'unix',
      method: wordAt(METHOD) === 0 ? undefined : textOf(wordAt(METHOD)),
      times: timesOf(numbers, at, PHASES[side].length),
      endedAt: numbers[at + ENDED_AT] as number,
      outcome,
      failure: is(FLAG.failed) ? { type: outcome, message: '' } : undefined,
      connection: side === 'server' ? wordAt(CONNECTION) >>> 0 : undefined,
      requestBytes: numbers[at + REQUEST_BYTES] as number,
      responseBytes: numbers[at + RESPONSE_BYTES] as number,
      requestPackets: wordAt(REQUEST_PACKETS) >>> 0,
      responsePackets: wordAt(RESPONSE_PACKETS) >>> 0,
    },
    kept: is(FLAG.kept),
    hasDetails: is(FLAG.hasDetails),
    traceId: hex(wordAt(TRACE_ID), wordAt(TRACE_ID + 1), wordAt(TRACE_ID + 2), wordAt(TRACE_ID + 3)),
    spanId: hex(wordAt(SPAN_ID), wordAt(SPAN_ID + 1)),
    span0: wordAt(SPAN_ID),
    span1: wordAt(SPAN_ID + 1),
    parent: is(FLAG.hasParent)
      ? { spanId: hex(wordAt(PARENT_ID), wordAt(PARENT_ID + 1)), isRemote: is(FLAG.parentIsRemote) }
      : undefined,
  };
}

function timesOf(numbers: Float64Array, at: number, count: number): number[] {
  const times: number[] = [];
  for (let index = 0; index < count; index++) times.push(numbers[at + index] as number);
  return times;
}

const DIGITS = Buffer.from('0123456789abcdef', 'latin1');
const written = Buffer.alloc(16 * 2);

/** An id as it is written. */
export function hex(...words: number[]): string {
  let at = 0;
  for (const word of words) {
    for (let shift = 28; shift >= 0; shift -= 4) {
      written[at] = DIGITS[(word >>> shift) & 15] as number;
      at += 1;
    }
  }
  return written.toString('latin1', 0, at);
}

/** A word of an id that is written so. */
export function wordOf(id: string, index: number): number {
  return Number.parseInt(id.slice(index * 8, index * 8 + 8), 16) | 0;
}
