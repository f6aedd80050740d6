import { Decoder, MALFORMED, MORE } from '../protocol/decode.ts';

/** The longest trailer that is looked at, in bytes. */
const MAX_TRAILER = 1_024;

/** Reads what a client sends behind its request: packets up to a flush packet. What is wrong with it is nobody's concern. */
export class TrailerReader {
  readonly #decoder = new Decoder();
  #data: Buffer[] = [];
  #over = false;

  /** Takes the next bytes; gives the trailer's data when they complete it. */
  read(chunk: Buffer): string | undefined {
    if (this.#over) return undefined;
    const end = this.#decoder.decode(chunk, this);
    if (end === MORE && this.#decoder.bytes <= MAX_TRAILER) return undefined;
    this.#over = true;
    const data = this.#data;
    this.#data = [];
    if (end === MORE || end === MALFORMED || this.#decoder.terminator !== 'flush') return undefined;
    if (this.#decoder.bytes > MAX_TRAILER) return undefined;
    return Buffer.concat(data).toString('latin1');
  }

  /** The decoder's data: copied, for the chunk is the socket's. */
  data(chunk: Buffer, start: number, end: number): void {
    if (this.#decoder.bytes <= MAX_TRAILER) this.#data.push(Buffer.from(chunk.subarray(start, end)));
  }
}
