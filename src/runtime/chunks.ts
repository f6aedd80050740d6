import { isUint8Array } from 'node:util/types';
import { invalidArgument } from './errors.ts';
import type { Chunk } from './types.ts';

/** A source of chunks in the one shape that both ends send from. */
export type ChunkIterator = AsyncIterator<unknown, unknown> | Iterator<unknown, unknown>;

export function isWhole(message: unknown): message is Chunk {
  return typeof message === 'string' || isUint8Array(message);
}

function isInPieces(message: unknown): message is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof message !== 'object' || message === null) return false;
  return Symbol.asyncIterator in message || Symbol.iterator in message;
}

/** The bytes of one chunk, text as UTF-8. `whose` names what it came from, for the error. */
export function bytesOf(chunk: unknown, whose: string): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, 'utf8');
  if (Buffer.isBuffer(chunk)) return chunk;
  if (isUint8Array(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw invalidArgument(`${whose} has a chunk that is ${kindOf(chunk)}: chunks are strings or Uint8Arrays.`);
}

/** The iterator of a message in pieces; `whose` names it, for the error where it is nothing of the kind. */
export function chunksOf(message: unknown, whose: string): ChunkIterator {
  if (!isInPieces(message)) throw noMessage(message, whose);
  return Symbol.asyncIterator in message ? message[Symbol.asyncIterator]() : message[Symbol.iterator]();
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
  if (message !== undefined && !isWhole(message) && !isInPieces(message)) throw noMessage(message, whose);
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
