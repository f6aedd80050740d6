import type { DataSink } from '../protocol/decode.ts';
import { ByteQueue, copyOf } from './byte-queue.ts';
import { SimpleIpcError } from './errors.ts';
import { relieveMemory } from './memory-relief.ts';
import type { Body } from './types.ts';

/** Is told when bytes have left a body, so that more may be read from the socket. */
export interface BodyOwner {
  bodyConsumed(bytes: number): void;
}

type Waiter = {
  readonly resolve: (chunk: Buffer | undefined) => void;
  readonly reject: (error: Error) => void;
};

/**
 * The bytes of one message between the decoder, which fills it, and its reader. Bounded by its owner, which stops reading
 * from the socket while too much is `held`, and goes on when told that bytes were consumed.
 *
 * They come in the buffer that all sockets of this thread read into (read-buffer.ts). A reader that asks while they stand there,
 * as most handlers do, has them decoded from where they are; what is still held when the owner calls `keep` is copied.
 */
export class IncomingBody implements Body, DataSink {
  readonly #owner: BodyOwner;
  /** The first piece, where it came: a message of one piece goes to its reader without a queue. */
  #first: Buffer | undefined;
  /** It stands in the socket's buffer, which the next read writes over. */
  #borrowed = false;
  #start = 0;
  #end = 0;
  #queue: ByteQueue | undefined;
  #complete = false;
  #discarding = false;
  #used = false;
  /** What cut it off, made when somebody meets it: most often nobody does. */
  #failure: (() => Error) | undefined;
  #waiter: Waiter | undefined;

  constructor(owner: BodyOwner) {
    this.#owner = owner;
  }

  /** Bytes that wait for their reader. */
  get held(): number {
    return this.#end - this.#start + (this.#queue?.length ?? 0);
  }

  /** The first of them. */
  peek(): Uint8Array {
    this.keep();
    return this.#first?.subarray(this.#start, this.#end) ?? EMPTY;
  }

  /** Whether somebody waits for bytes. */
  get awaited(): boolean {
    return this.#waiter !== undefined;
  }

  // ---- The filling side.

  /** `chunk` may be written over after the next `keep`. */
  data(chunk: Buffer, start: number, end: number): void {
    if (this.#discarding) {
      relieveMemory(end - start);
      this.#owner.bodyConsumed(end - start);
      return;
    }
    if (this.#first === undefined && this.#queue === undefined) {
      this.#first = chunk;
      this.#borrowed = true;
      this.#start = start;
      this.#end = end;
    } else {
      this.#queue ??= new ByteQueue();
      this.#queue.push(chunk, start, end);
      relieveMemory(end - start);
    }
  }

  /** Copies what is held in the socket's buffer. */
  keep(): void {
    if (!this.#borrowed) return;
    this.#borrowed = false;
    const length = this.#end - this.#start;
    if (length === 0) return;
    this.#first = copyOf(this.#first as Buffer, this.#start, this.#end);
    this.#start = 0;
    this.#end = length;
  }

  /** Hands what has come to a reader that waits for it. Called after `data`, once for all of a chunk. */
  deliver(): void {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    const chunk = this.#take();
    if (chunk === undefined && !this.#complete) return;
    this.#waiter = undefined;
    waiter.resolve(chunk);
  }

  complete(): void {
    // What was discarded is not the whole message, though its end has come.
    if (this.#discarding) return;
    this.#complete = true;
    this.deliver();
  }

  /** Ends it with an error, unless it is complete: what was complete stays readable. */
  fail(error: Error): void {
    if (!this.#complete) this.#cutOff(() => error);
  }

  #cutOff(failure: () => Error): void {
    this.#failure ??= failure;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(this.#failure());
  }

  /** Drops what is held and what is still to come. `tooLate` makes what a reader is told who comes after it. */
  discard(tooLate: () => Error): void {
    if (this.#discarding) return;
    this.#discarding = true;
    if (!this.#complete || this.held > 0) {
      this.#complete = false;
      this.#cutOff(tooLate);
    }
    this.#release();
  }

  #release(): void {
    const held = this.held;
    this.#first = undefined;
    this.#borrowed = false;
    this.#start = this.#end = 0;
    this.#queue?.clear();
    if (held > 0) this.#owner.bodyConsumed(held);
  }

  // ---- The reading side.

  async text(): Promise<string> {
    this.#use();
    if (this.#complete && this.#queue === undefined) {
      const text = this.#first?.toString('utf8', this.#start, this.#end) ?? '';
      this.#release();
      return text;
    }
    return (await this.#collect()).toString('utf8');
  }

  async bytes(): Promise<Uint8Array> {
    this.#use();
    return this.#collect();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array, undefined> {
    this.#use();
    const step = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      const value = await this.#next();
      return value === undefined ? { done: true, value } : { done: false, value };
    };
    let last: ReturnType<typeof step> | undefined;
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      // One at a time, as an async generator's.
      next: () => (last = last === undefined ? step() : last.then(step, step)),
      return: async () => {
        this.discard(bodyUsed);
        return { done: true, value: undefined };
      },
    };
  }

  #use(): void {
    if (this.#used) throw bodyUsed();
    this.#used = true;
  }

  /** The next piece; nothing at the end. What came before a failure is read before the failure is met. */
  async #next(): Promise<Buffer | undefined> {
    const chunk = this.#take();
    if (chunk !== undefined) return chunk;
    if (this.#complete) return undefined;
    if (this.#failure !== undefined) throw this.#failure();
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      // The owner may have stopped reading; somebody waiting is a reason to go on.
      this.#owner.bodyConsumed(0);
    });
  }

  #take(): Buffer | undefined {
    let chunk: Buffer | undefined;
    if (this.#end > this.#start) {
      this.keep();
      const first = this.#first as Buffer;
      chunk = this.#end - this.#start === first.length ? first : first.subarray(this.#start, this.#end);
      this.#first = EMPTY;
      this.#start = this.#end = 0;
    } else {
      chunk = this.#queue?.shift();
    }
    if (chunk !== undefined) this.#owner.bodyConsumed(chunk.length);
    return chunk;
  }

  async #collect(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let chunk = await this.#next();
    while (chunk !== undefined) {
      chunks.push(chunk);
      chunk = await this.#next();
    }
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  }
}

const EMPTY = Buffer.alloc(0);

function bodyUsed(): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_BODY_USED',
    'This message has been read already; it can be read once. Keep what text() or bytes() gave.',
  );
}
