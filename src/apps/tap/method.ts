/** What a request is called whose first word is none that can be shown. OpenTelemetry's name for it. */
const OTHER = '_OTHER';

/** The longest word that is taken for the name of a method, in bytes. */
const LONGEST = 32;

/** So much of a request is enough to name its method, in bytes: the longest word, and what ends it. */
export const HEAD_BYTES: number = LONGEST + 1;

const NUL = 0x00;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const LAST_PRINTABLE = 0x7e;

/** How the tokens begin by which git asks its fsmonitor: `builtin:`, a quoted one, or a time in nanoseconds. */
const TOKEN = /^(?:builtin:|"|\d)/u;

/**
 * The method that a request asks for, as far as it can be told from its first bytes: its first word, which ends at a NUL,
 * a space, a newline or with the request. A token of git's fsmonitor is a `query`. A word that is longer than 32 bytes, or
 * anything but printable ASCII, is `_OTHER`, and so is a request without one. Nothing behind the word is ever shown.
 *
 * `head`: the request's first bytes, `HEAD_BYTES` of them or all there are.
 */
export function methodOf(head: Uint8Array): string {
  const end = head.subarray(0, HEAD_BYTES).findIndex((byte) => !(byte > SPACE && byte <= LAST_PRINTABLE));
  const word = Buffer.from(head.subarray(0, end === -1 ? HEAD_BYTES : end)).toString('latin1');
  if (TOKEN.test(word)) return 'query';
  const isEnded = end === -1 || head[end] === NUL || head[end] === NEWLINE || head[end] === SPACE;
  return isEnded && word !== '' && word.length <= LONGEST ? word : OTHER;
}
