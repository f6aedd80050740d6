import type { Terminator } from '../../src/protocol/pkt-line.ts';

/**
 * git's reader once more, as plain as it can be: over a whole buffer, by the text of the rules. The tests hold the
 * decoder and the encoder against it.
 */

export type Reading =
  | { readonly end: 'more' | 'malformed'; readonly data: Buffer }
  | { readonly end: number; readonly terminator: Terminator; readonly data: Buffer };

/** Reads one message from the start of `bytes`. Of a packet that is cut off, it gives the data that is there. */
export function read(bytes: Buffer): Reading {
  const data: Buffer[] = [];
  const soFar = () => Buffer.concat(data);
  for (let at = 0; ;) {
    const header = bytes.toString('latin1', at, at + 4);
    if (!/^[0-9a-f]*$/i.test(header)) return { end: 'malformed', data: soFar() };
    if (header.length < 4) return { end: 'more', data: soFar() };
    const length = Number.parseInt(header, 16);
    if (length === 3 || length > 65_520) return { end: 'malformed', data: soFar() };
    if (length <= 4) {
      const terminator = { 0: 'flush', 1: 'delimiter', 2: 'response-end', 4: 'empty' }[length] as Terminator;
      return { end: at + 4, terminator, data: soFar() };
    }
    data.push(bytes.subarray(at + 4, at + length));
    if (bytes.length < at + length) return { end: 'more', data: soFar() };
    at += length;
  }
}

/** The packets of a message that is one by the rules: their data, without the flush packet at its end. */
export function packetsOf(message: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < message.length - 4;) {
    const length = Number.parseInt(message.toString('latin1', at, at + 4), 16);
    packets.push(message.subarray(at + 4, at + length));
    at += length;
  }
  return packets;
}

/** A packet with this data, written by the rules. */
export function packet(data: Uint8Array | string): Buffer {
  const bytes = Buffer.from(data as string);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}
