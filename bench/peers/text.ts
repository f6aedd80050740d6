/**
 * For peers whose messages are JSON: bytes as a string of as many characters, which is less than base64 where they are
 * ASCII. (In UTF-8 a byte from 0x80 on takes two, and in JSON a control character takes up to six.)
 */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
