import { HEADER_BYTES, MAX_PACKET, TERMINATOR_OF_LENGTH, type Terminator } from './pkt-line.ts';

/** Takes the data of a message as it is found: `chunk[start..end)`, which is never empty, in place. */
export interface DataSink {
  data(chunk: Buffer, start: number, end: number): void;
}

/** `decode` has used up the chunk, and the message is not over. */
export const MORE = -1;
/** `decode` has met something that is no pkt-line: see `problem`. */
export const MALFORMED = -2;

/** The value of each byte as a hex digit of either case, or -1. */
const DIGIT = new Int8Array(256).fill(-1);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  DIGIT[digit.charCodeAt(0)] = value;
  DIGIT[digit.toUpperCase().charCodeAt(0)] = value;
}

/**
 * Decodes one message from chunks that may end anywhere, and allocates nothing while it does: data is handed on as a
 * range of the chunk that it stands in. It accepts what git's reader accepts (`read_packetized_to_strbuf` over
 * `packet_read_with_status`, pkt-line.c) and refuses what that refuses.
 */
export class Decoder {
  /** Data bytes of the current packet still to come. */
  #remaining = 0;
  /** Digits of the current header seen so far, and the number that they make. */
  #digits = 0;
  #length = 0;
  /** Packets that carried data. */
  packets = 0;
  /** Bytes of data. */
  bytes = 0;
  /** What ended the message, once it has ended. */
  terminator: Terminator | undefined;
  /** What is wrong, once `MALFORMED` was returned. */
  problem: string | undefined;

  /** Whether any byte was seen. Where none was, the peer hung up without a word, which is a ping. */
  get started(): boolean {
    return this.#digits > 0 || this.#remaining > 0 || this.packets > 0 || this.terminator !== undefined;
  }

  /**
   * Decodes `chunk[0..end)` and gives the offset after the message's end, or `MORE`, or `MALFORMED`. After either of the other
   * two it is not to be called again.
   */
  decode(chunk: Buffer, sink: DataSink, end: number = chunk.length): number {
    let at = 0;
    while (at < end) {
      if (this.#remaining > 0) {
        const to = Math.min(end, at + this.#remaining);
        this.#remaining -= to - at;
        this.bytes += to - at;
        sink.data(chunk, at, to);
        at = to;
        continue;
      }
      const digit = DIGIT[chunk[at] as number] as number;
      if (digit < 0) return this.#malformed(notHex(chunk[at] as number));
      at++;
      this.#length = (this.#length << 4) | digit;
      if (++this.#digits < HEADER_BYTES) continue;
      const length = this.#length;
      this.#digits = 0;
      this.#length = 0;
      if (length <= HEADER_BYTES) {
        this.terminator = TERMINATOR_OF_LENGTH[length];
        return this.terminator === undefined ? this.#malformed(badLength(length)) : at;
      }
      if (length > MAX_PACKET) return this.#malformed(badLength(length));
      this.#remaining = length - HEADER_BYTES;
      this.packets++;
    }
    return MORE;
  }

  #malformed(problem: string): typeof MALFORMED {
    this.problem = problem;
    return MALFORMED;
  }
}

function notHex(byte: number): string {
  const shown =
    byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `0x${byte.toString(16).padStart(2, '0')}`;
  return `a packet starts with four hex digits, and here ${shown} stands among them`;
}

function badLength(length: number): string {
  return `a packet cannot have the length ${length.toString(16).padStart(4, '0')} (hex); it is 0005 to ${MAX_PACKET.toString(16)}`;
}
