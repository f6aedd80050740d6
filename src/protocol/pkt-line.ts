/**
 * The numbers of git's pkt-line framing (Documentation/gitprotocol-common.adoc, pkt-line.h): a packet is four hex digits,
 * which count themselves, and then its data. Lengths below 4 carry no data and have meanings of their own.
 */

/** Bytes of the length that starts each packet. */
export const HEADER_BYTES = 4;

/** The most data that one packet carries, in bytes (`LARGE_PACKET_DATA_MAX`). */
export const MAX_PACKET_DATA = 65_516;

/** The longest packet, header included, in bytes (`LARGE_PACKET_MAX`). */
export const MAX_PACKET = HEADER_BYTES + MAX_PACKET_DATA;

/** What ended a message. A sender of Simple-IPC uses `flush`; git's reader stops at each of them. */
export type Terminator = 'flush' | 'delimiter' | 'response-end' | 'empty';

/** The terminator of each length that ends a message. 3 is not assigned: git's reader dies of it. */
export const TERMINATOR_OF_LENGTH: readonly (Terminator | undefined)[] = [
  'flush',
  'delimiter',
  'response-end',
  undefined,
  'empty',
];
