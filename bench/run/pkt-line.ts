/** Just enough of the wire for a server without this package: where a request ends, and how an answer looks. */

/** The most data that a packet holds. */
export const MAX_DATA = 65_516;
/** The length of a packet is told in so many hex digits, and counts them too. */
const HEADER = 4;

/** Whether this is one packet and the flush packet, or the flush packet alone: what a small request most often is. */
export function isWholeRequest(chunk: Buffer): boolean {
  const flushAt = chunk.length - HEADER;
  if (flushAt < 0 || lengthAt(chunk, flushAt) !== 0) return false;
  return flushAt === 0 || (flushAt >= HEADER && lengthAt(chunk, 0) === flushAt);
}

/** Looks for the end of a request that comes in pieces. */
export class RequestEnd {
  /** Of the packet that is being read. */
  #left = 0;
  /** Of the header that is being read. */
  #digits = 0;
  #length = 0;

  read(chunk: Buffer): 'more' | 'whole' | 'malformed' {
    for (let at = 0; at < chunk.length;) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
        continue;
      }
      this.#length = this.#length * 16 + DIGITS[chunk[at++]!]!;
      if (++this.#digits < HEADER) continue;
      if (this.#length === 0) return at === chunk.length ? 'whole' : 'malformed';
      if (!(this.#length >= HEADER && this.#length <= HEADER + MAX_DATA)) return 'malformed';
      this.#left = this.#length - HEADER;
      this.#digits = 0;
      this.#length = 0;
    }
    return 'more';
  }
}

/** An answer as it is sent: so many times a full packet, then the rest and the flush packet. */
export interface AnswerPackets {
  readonly full: Buffer;
  readonly times: number;
  readonly last: Buffer;
}

/** An answer of this length: `pong` where it is four bytes long, as the demo application's. */
export function answerPackets(bytes: number): AnswerPackets {
  const data = bytes === 4 ? Buffer.from('pong') : Buffer.alloc(bytes % MAX_DATA, 'a');
  return {
    full: packet(Buffer.alloc(MAX_DATA, 'a')),
    times: Math.floor(bytes / MAX_DATA),
    last: Buffer.concat([...(data.length > 0 ? [packet(data)] : []), Buffer.from('0000')]),
  };
}

function packet(data: Buffer): Buffer {
  return Buffer.concat([Buffer.from((HEADER + data.length).toString(16).padStart(HEADER, '0')), data]);
}

/** The value of each hex digit. Of other bytes it is so much that no length with it is a possible one. */
const DIGITS = Uint32Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 2 ** 20 : value;
});

function lengthAt(chunk: Buffer, at: number): number {
  let length = 0;
  for (let digit = 0; digit < HEADER; digit++) length = length * 16 + DIGITS[chunk[at + digit]!]!;
  return length;
}
