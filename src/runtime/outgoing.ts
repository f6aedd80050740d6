import type { Socket } from 'node:net';
import { encodePackets, FLUSH, packetHeader } from '../protocol/encode.ts';
import { MAX_PACKET_DATA } from '../protocol/pkt-line.ts';

/** How much is handed to the kernel at once. Each piece that it takes is progress, and bounds what is encoded ahead. */
const SLICE = 4 * MAX_PACKET_DATA;

/** Up to here it is cheaper to copy data behind its header than to send the two from where they are. */
export const COPY = 16_384;

/** After so many bytes without a pause the event loop gets its turn, or other connections would starve. */
const BURST = 262_144;
/** What a chunk counts for beside its bytes, so that many tiny ones are a burst as well. */
const CHUNK_COST = 256;

/** To be written where the write itself is what matters. */
export const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Sends data as packets, and says when to wait. Usually the kernel takes everything at once and nobody waits; what it did
 * not take holds the sender up, beyond an `allowance` that may be kept in memory.
 */
export class Outgoing {
  readonly #socket: Socket;
  readonly #progress: () => void;
  #burst = 0;
  #release: (() => void) | undefined;
  #closed = false;

  /** `progress` is called whenever the kernel has taken what somebody waited for. */
  constructor(socket: Socket, progress: () => void) {
    this.#socket = socket;
    this.#progress = progress;
  }

  /** Whether somebody waits for the peer to read. */
  get blocked(): boolean {
    return this.#release !== undefined;
  }

  /**
   * Sends `data` as packets. Gives nothing when the next may follow at once, else a promise of that; it never rejects: a
   * connection that has failed is ended by the socket's `error` event.
   * `allowance`: bytes that may wait in memory without holding the sender up.
   */
  write(data: Buffer, allowance: number): Promise<void> | undefined {
    if (data.length <= SLICE) return this.#slice(data, allowance);
    return this.#slices(data, data.length, allowance);
  }

  async #slices(data: Buffer, to: number, allowance: number): Promise<void> {
    for (let at = 0; at < to && !this.#closed; at += SLICE) {
      await this.#slice(data.subarray(at, at + SLICE), allowance);
    }
  }

  /**
   * Sends the bytes that end a message, as they are. Gives nothing when the kernel has taken all, else a promise of that.
   * What becomes of the connection then is no news: the peer has all, and may be gone before anything else could be
   * written. So it is this write that is waited for, and not one of nothing behind it. On Windows none is done at once.
   */
  last(end: Buffer): Promise<void> | undefined {
    if (this.#closed) return undefined;
    const waiting = this.#waiting((done) => this.#socket.write(end, done));
    return this.#socket.errored !== null || this.#socket.writableLength > 0 ? waiting : undefined;
  }

  /** Sends `data`, which is longer than `COPY`, and the flush packet. As `write`, but when all of it has been taken. */
  end(data: Buffer): Promise<void> | undefined {
    const last = Math.floor((data.length - 1) / SLICE) * SLICE;
    if (last === 0) return this.#last(data);
    return this.#slices(data, last, 0).then(() => this.#last(data.subarray(last)));
  }

  #last(data: Buffer): Promise<void> | undefined {
    if (this.#closed) return undefined;
    const socket = this.#socket;
    socket.cork();
    this.#packets(data);
    const waiting = this.#waiting((done) => socket.write(FLUSH, done));
    socket.uncork();
    return socket.errored !== null || socket.writableLength > 0 ? waiting : undefined;
  }

  /** From where they are. */
  #packets(data: Buffer): void {
    for (let at = 0; at < data.length; at += MAX_PACKET_DATA) {
      const packet = data.subarray(at, at + MAX_PACKET_DATA);
      this.#socket.write(packetHeader(packet.length));
      this.#socket.write(packet);
    }
  }

  #slice(data: Buffer, allowance: number): Promise<void> | undefined {
    if (data.length === 0 || this.#closed) return undefined;
    const socket = this.#socket;
    // What may stay behind while its owner goes on is copied: the owner may fill the same buffer again.
    if (data.length <= COPY || allowance > 0) {
      socket.write(encodePackets(data));
    } else {
      socket.cork();
      this.#packets(data);
      socket.uncork();
    }
    if (socket.errored !== null || socket.writableLength > allowance) return this.taken();
    this.#burst += data.length + CHUNK_COST;
    if (this.#burst < BURST) return undefined;
    this.#burst = 0;
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves when the kernel has taken all that was written, or the connection is closed. */
  taken(): Promise<void> {
    // A write of nothing is done when all before it is.
    return this.#waiting((done) => this.#socket.write(NOTHING, done));
  }

  /** Resolves when a write is done, or the connection is closed. One that fails is the business of the `error` event. */
  #waiting(write: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) return resolve();
      const release = () => {
        if (this.#release === release) this.#release = undefined;
        resolve();
      };
      this.#release = release;
      write((error) => {
        if (error !== null && error !== undefined) return;
        this.#progress();
        release();
      });
    });
  }

  /** The connection is closed: nobody waits any more. */
  close(): void {
    this.#closed = true;
    this.#release?.();
  }
}
