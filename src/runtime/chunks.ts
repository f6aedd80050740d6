import { isUint8Array } from 'node:util/types';
import { invalidArgument } from './errors.ts';
import type { Chunk, Message } from './types.ts';

/** A source of chunks in the one shape that both ends send from. */
export type ChunkIterator = AsyncIterator<unknown, unknown> | Iterator<unknown, unknown>;

export function isWhole(message: unknown): message is Chunk {
  return typeof message === 'string' || isUint8Array(message);
}

/** The bytes of one chunk, text as UTF-8. `whose` names what it came from, for the error. */
export function bytesOf(chunk: unknown, whose: string): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, 'utf8');
  if (Buffer.isBuffer(chunk)) return chunk;
  if (isUint8Array(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw invalidArgument(`${whose} has a chunk that is ${kindOf(chunk)}: chunks are strings or Uint8Arrays.`);
}

/** The iterator of a message in pieces; `whose` names it, for the error where it is nothing of the kind. */
export function chunksOf(message: Exclude<Message, undefined | Chunk>, whose: string): ChunkIterator {
  if (typeof message === 'object' && message !== null) {
    if (Symbol.asyncIterator in message) return message[Symbol.asyncIterator]();
    if (Symbol.iterator in message) return message[Symbol.iterator]();
  }
  throw noMessage(message, whose);
}

/** Ends an iterator that is at work for somebody who waits no more. What it throws comes out of its `next` as well. */
export function endIterator(iterator: ChunkIterator | undefined): void {
  try {
    Promise.resolve(iterator?.return?.()).catch(() => undefined);
  } catch {
    // The same, of an iterator whose `return` is no async function.
  }
}

/** Throws where a message is nothing of the kind, before anything is done with it. */
export function checkMessage(message: unknown, whose: string): void {
  if (message === undefined || isWhole(message)) return;
  if (typeof message === 'object' && message !== null) {
    if (Symbol.asyncIterator in message || Symbol.iterator in message) return;
  }
  throw noMessage(message, whose);
}

function noMessage(message: unknown, whose: string): Error {
  return invalidArgument(
    `${whose} is ${kindOf(message)}: give a string, a Uint8Array, an iterable or async iterable of these, or a ReadableStream of these.`,
  );
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'symbol') return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  return `an object of ${value.constructor?.name ?? 'no class'}`;
}
