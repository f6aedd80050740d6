import { HEADER_BYTES, MAX_PACKET_DATA } from './pkt-line.ts';

/** The flush packet, which ends every message that is sent. Shared: never written to. */
export const FLUSH: Buffer = Buffer.from('0000', 'latin1');

const DELIMITER: Buffer = Buffer.from('0001', 'latin1');

const HEX = Buffer.from('0123456789abcdef', 'latin1');

/** Writes the header of a packet with `length` bytes of data at `at`. `length` is 1 to `MAX_PACKET_DATA`. */
function writeHeader(target: Buffer, at: number, length: number): void {
  const total = length + HEADER_BYTES;
  target[at] = HEX[total >> 12] as number;
  target[at + 1] = HEX[(total >> 8) & 15] as number;
  target[at + 2] = HEX[(total >> 4) & 15] as number;
  target[at + 3] = HEX[total & 15] as number;
}

function writeFlush(target: Buffer, at: number): void {
  target[at] = target[at + 1] = target[at + 2] = target[at + 3] = HEX[0] as number;
}

/**
 * What stands in place of the flush packet where a trailer follows: a delimiter packet, at which git's reader ends the
 * message, one packet of data, and a flush packet.
 */
export function encodeTrailer(data: string): Buffer {
  return Buffer.concat([DELIMITER, encodePackets(Buffer.from(data, 'latin1')), FLUSH]);
}

/** The header of a packet with `length` bytes of data, for sending the data from where it is. */
export function packetHeader(length: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  writeHeader(header, 0, length);
  return header;
}

/** How many packets `length` bytes of data take, sent at once. */
export function packetsOf(length: number): number {
  return Math.ceil(length / MAX_PACKET_DATA);
}

/** How many bytes `length` bytes of data take as packets, without a flush packet. */
function packetBytes(length: number): number {
  return length + packetsOf(length) * HEADER_BYTES;
}

/** Copies `data` into `target` from `at` on, as packets. Gives the offset after them. */
function writePackets(target: Buffer, at: number, data: Uint8Array): number {
  let to = at;
  for (let from = 0; from < data.length; from += MAX_PACKET_DATA) {
    const length = Math.min(MAX_PACKET_DATA, data.length - from);
    writeHeader(target, to, length);
    to += HEADER_BYTES;
    target.set(length === data.length ? data : data.subarray(from, from + length), to);
    to += length;
  }
  return to;
}

/** Copies `data` into as many packets as it needs. No data makes no packet: `0004` would end the message. */
export function encodePackets(data: Uint8Array): Buffer {
  const packets = Buffer.allocUnsafe(packetBytes(data.length));
  writePackets(packets, 0, data);
  return packets;
}

/** A whole message in one buffer: packets, then the flush packet. Text is sent as UTF-8. */
export function encodeMessage(data: string | Uint8Array): Buffer {
  if (typeof data === 'string') return encodeText(data);
  const message = Buffer.allocUnsafe(packetBytes(data.length) + FLUSH.length);
  writeFlush(message, writePackets(message, 0, data));
  return message;
}

/** A UTF-16 code unit takes at most this many bytes of UTF-8. */
const MAX_UTF8_PER_UNIT = 3;

function encodeText(text: string): Buffer {
  if (text.length === 0) return FLUSH;
  const most = text.length * MAX_UTF8_PER_UNIT;
  // Longer text may need several packets, or waste too much of what is set aside for it.
  if (most > 4096) return encodeMessage(Buffer.from(text, 'utf8'));
  const message = Buffer.allocUnsafe(HEADER_BYTES + most + FLUSH.length);
  const length = message.write(text, HEADER_BYTES, 'utf8');
  writeHeader(message, 0, length);
  const end = HEADER_BYTES + length;
  writeFlush(message, end);
  return message.subarray(0, end + FLUSH.length);
}
