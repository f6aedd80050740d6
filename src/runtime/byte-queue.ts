/** Pieces shorter than this are copied together: each would otherwise cost some 200 bytes of bookkeeping. */
const SMALL = 2048;
/** How much is set aside for small pieces: it doubles up to the largest, so that a queue wastes half at most. */
const FIRST_SLAB = 4096;
const LARGEST_SLAB = 65_536;

/**
 * Bytes waiting for their reader, first in, first out. They are copied, for they come in a buffer that the next read
 * writes over: large pieces each by itself, small ones together, so that what is held is in proportion to `length`
 * however the bytes were cut up.
 */
export class ByteQueue {
  /** Bytes held. */
  length = 0;
  #pieces: Buffer[] = [];
  #head = 0;
  /** The slab that the last piece stands in, where that has room left, and how far it is used. */
  #slab: Buffer | undefined;
  #used = 0;

  push(chunk: Buffer, start: number, end: number): void {
    const size = end - start;
    this.length += size;
    if (size >= SMALL || (this.#head === this.#pieces.length && this.#slab === undefined)) {
      this.#slab = undefined;
      this.#pieces.push(copyOf(chunk, start, end));
      // The next small piece starts a slab.
      if (size < SMALL) this.#slab = EMPTY;
      this.#used = 0;
      return;
    }
    let from = start;
    while (from < end) {
      const slab = this.#slab ?? EMPTY;
      const room = slab.length - this.#used;
      if (room === 0) {
        this.#slab = Buffer.allocUnsafeSlow(Math.min(Math.max(slab.length * 2, FIRST_SLAB), LARGEST_SLAB));
        this.#used = 0;
        continue;
      }
      const to = Math.min(end, from + room);
      chunk.copy(slab, this.#used, from, to);
      this.#extend(slab, this.#used, this.#used + to - from);
      this.#used += to - from;
      from = to;
    }
  }

  /** Adds `slab[start..end)`, as a part of the last piece where that ends at `start`. */
  #extend(slab: Buffer, start: number, end: number): void {
    const last = this.#head < this.#pieces.length ? this.#pieces.at(-1) : undefined;
    if (start > 0 && last !== undefined && last.buffer === slab.buffer) {
      const from = last.byteOffset - slab.byteOffset;
      this.#pieces[this.#pieces.length - 1] = slab.subarray(from, end);
    } else {
      this.#pieces.push(slab.subarray(start, end));
    }
  }

  /** Takes the first piece, or nothing. */
  shift(): Buffer | undefined {
    if (this.#head === this.#pieces.length) return undefined;
    const piece = this.#pieces[this.#head] as Buffer;
    this.#pieces[this.#head++] = EMPTY;
    if (this.#head === this.#pieces.length) {
      this.#pieces = [];
      this.#head = 0;
    } else if (this.#head === 1024) {
      this.#pieces.splice(0, this.#head);
      this.#head = 0;
    }
    this.length -= piece.length;
    return piece;
  }

  /** Takes all, as one. */
  concat(): Buffer {
    const whole =
      this.#pieces.length - this.#head === 1
        ? (this.#pieces[this.#head] as Buffer)
        : Buffer.concat(this.#pieces.slice(this.#head), this.length);
    this.clear();
    return whole;
  }

  clear(): void {
    this.#pieces = [];
    this.#head = 0;
    this.#slab = undefined;
    this.length = 0;
  }
}

const EMPTY = Buffer.alloc(0);

/** In memory of its own, none of Node's pool: a few bytes would hold on to kilobytes of it. */
export function copyOf(chunk: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  chunk.copy(copy, 0, start, end);
  return copy;
}
