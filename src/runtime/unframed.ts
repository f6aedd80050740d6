/** What is different for a client that sends no pkt-lines: `unframed` of `serve`. */
import { MALFORMED, MORE, type DataSink } from '../protocol/decode.ts';
import { unframedAnswerTooLong } from './server-errors.ts';

/** The longest line that is a request, without its newline, in bytes. It is a shell's word, and no place for data. */
export const MAX_LINE = 65_536;

/**
 * The longest answer, in bytes. It is sent whole or not at all, so it must be no more than the kernel takes in one write
 * of a connection on which nothing was sent before: some 200 KiB on Linux. Where that is less, the rest follows as the client
 * reads.
 */
export const MAX_UNFRAMED_ANSWER = 65_536;

const NEWLINE = 0x0a;
const HEX_DIGITS = new Set(Buffer.from('0123456789abcdefABCDEF'));

/** Whether a request that begins with this byte is a line: pkt-lines begin with a hex digit. */
export function beginsLine(byte: number): boolean {
  return !HEX_DIGITS.has(byte);
}

/** Takes one line for a message, as `Decoder` takes pkt-lines. `MALFORMED` is a line that is too long. */
export class LineDecoder {
  /** There are none. */
  readonly packets = 0;
  readonly terminator = undefined;
  /** Bytes of the line, without its newline. */
  bytes = 0;

  decode(chunk: Buffer, sink: DataSink, length: number = chunk.length): number {
    const newline = chunk.subarray(0, length).indexOf(NEWLINE);
    const end = newline < 0 ? length : newline;
    this.bytes += end;
    if (this.bytes > MAX_LINE) return MALFORMED;
    if (end > 0) sink.data(chunk, 0, end);
    return newline < 0 ? MORE : newline + 1;
  }
}

/** An answer that waits until it is whole: its client could not tell half of it from all. */
export class HeldAnswer {
  #pieces: Buffer[] = [];
  #length = 0;

  /** @throws {SimpleIpcError} `SIMPLE_IPC_LIMIT_EXCEEDED` where it becomes too long. */
  add(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length > MAX_UNFRAMED_ANSWER) {
      this.#pieces = [];
      throw unframedAnswerTooLong(MAX_UNFRAMED_ANSWER);
    }
    // Copied: a generator may fill the same buffer again.
    this.#pieces.push(Buffer.from(piece));
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}
