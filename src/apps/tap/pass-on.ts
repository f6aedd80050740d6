import { setImmediate as turn } from 'node:timers/promises';
import type { Body } from '../../index.ts';

/**
 * Gives a message as something that can be sent on: nothing, or the bytes, of one that is already there in one piece; else
 * its pieces, each as it comes. What is whole is sent with its end in one write, and a request that is whole can be sent
 * again where the server turns out to be busy. `seen` is called with each piece.
 */
export async function passOn(
  body: Body,
  seen: (piece: Uint8Array) => void,
): Promise<undefined | Uint8Array | AsyncIterable<Uint8Array>> {
  const pieces = body[Symbol.asyncIterator]();
  const first = await pieces.next();
  if (first.done === true) return undefined;
  seen(first.value);
  const second = pieces.next();
  // Where the message has ended, that is known before the event loop has turned.
  const isAll = await Promise.race([second.then(({ done }) => done === true, goesOn), turn(false)]);
  return isAll ? first.value : allOf(first.value, second, pieces, seen);
}

/** What cuts a message off is met by who reads it, behind what had come. */
const goesOn = (): boolean => false;

async function* allOf(
  first: Uint8Array,
  second: Promise<IteratorResult<Uint8Array>>,
  pieces: AsyncIterator<Uint8Array>,
  seen: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield first;
    for (let next = await second; next.done !== true; next = await pieces.next()) {
      seen(next.value);
      yield next.value;
    }
  } finally {
    await pieces.return?.();
  }
}
