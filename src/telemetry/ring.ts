/** The size of a record, in bytes: see record.ts. */
export const RECORD_BYTES = 128;

/** What is counted for both threads to read. */
export const COUNTERS = ['exported', 'exportFailed', 'queueFull', 'detailsFull'] as const;
type Counter = (typeof COUNTERS)[number];

/** Bytes in front of the records. The serving thread and the exporter write into different cache lines. */
const HEADER_BYTES = 256;
/** Indices of 32-bit words in the header. */
const HEAD = 0;
const TAIL = 16;
const FREED = 32;
/** Index of the first 64-bit counter in the header. */
const FIRST_COUNTER = 24;

/**
 * Records on their way from the serving thread, which alone writes them, to the exporter, which alone takes them out.
 * Nobody waits for the other: a full ring takes no more.
 */
export class Ring {
  readonly buffer: SharedArrayBuffer;
  /** How many records it holds: a power of two. */
  readonly capacity: number;
  /** The records, as 32-bit words and as 64-bit numbers. */
  readonly words: Int32Array;
  readonly numbers: Float64Array;
  readonly #header: Int32Array;
  readonly #counters: BigInt64Array;
  readonly #mask: number;
  #head: number;
  #tail: number;

  /** A ring of at least so many records; or, on the other thread, the ring of that memory. */
  constructor(of: number | SharedArrayBuffer) {
    this.buffer =
      typeof of === 'number'
        ? new SharedArrayBuffer(HEADER_BYTES + RECORD_BYTES * 2 ** Math.ceil(Math.log2(of)))
        : of;
    this.capacity = (this.buffer.byteLength - HEADER_BYTES) / RECORD_BYTES;
    this.#mask = this.capacity - 1;
    this.words = new Int32Array(this.buffer, HEADER_BYTES);
    this.numbers = new Float64Array(this.buffer, HEADER_BYTES);
    this.#header = new Int32Array(this.buffer, 0, HEADER_BYTES / 4);
    this.#counters = new BigInt64Array(this.buffer, 0, HEADER_BYTES / 8);
    this.#head = Atomics.load(this.#header, HEAD);
    this.#tail = Atomics.load(this.#header, TAIL);
  }

  // ---- The serving thread's.

  /** Where the next record goes, as the number of a record; below zero: there is no room. */
  reserve(): number {
    // What the exporter has taken out since is looked up only when it matters. Numbers wrap round at 2 ** 32.
    if (((this.#head - this.#tail) | 0) >= this.capacity) {
      this.#tail = Atomics.load(this.#header, TAIL);
      if (((this.#head - this.#tail) | 0) >= this.capacity) return -1;
    }
    return this.#head & this.#mask;
  }

  /** The record that was reserved is complete. */
  publish(): void {
    this.#head = (this.#head + 1) | 0;
    Atomics.store(this.#header, HEAD, this.#head);
  }

  /** The weight of all messages beside the ring that the exporter is done with; it wraps round. */
  get freed(): number {
    return Atomics.load(this.#header, FREED);
  }

  // ---- The exporter's.

  /** The number of the oldest record; below zero: there is none. */
  oldest(): number {
    if (this.#tail === this.#head) {
      this.#head = Atomics.load(this.#header, HEAD);
      if (this.#tail === this.#head) return -1;
    }
    return this.#tail & this.#mask;
  }

  /** The oldest record has been read. */
  release(): void {
    this.#tail = (this.#tail + 1) | 0;
    Atomics.store(this.#header, TAIL, this.#tail);
  }

  free(weight: number): void {
    Atomics.add(this.#header, FREED, weight);
  }

  // ---- For both.

  /** Records in it. */
  get waiting(): number {
    return (Atomics.load(this.#header, HEAD) - Atomics.load(this.#header, TAIL)) | 0;
  }

  count(counter: Counter, by: number): void {
    if (by > 0) Atomics.add(this.#counters, FIRST_COUNTER + COUNTERS.indexOf(counter), BigInt(by));
  }

  counted(counter: Counter): number {
    return Number(Atomics.load(this.#counters, FIRST_COUNTER + COUNTERS.indexOf(counter)));
  }
}
