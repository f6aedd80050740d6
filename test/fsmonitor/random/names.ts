/**
 * Names of files, which are bytes to the kernel and to git. Here they are strings of which each character is a byte, so that
 * operations can be compared, written down as JSON and read again.
 */
import { isUtf8 } from 'node:buffer';
import type { Random } from '../../torture/random.ts';

export function bytesOf(name: string): Buffer {
  return Buffer.from(name, 'latin1');
}

export function nameOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** As a parameter of a program, which Node.js passes on as UTF-8 alone. Undefined where it is not that. */
export function parameterOf(name: string): string | undefined {
  const bytes = bytesOf(name);
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** Few, so that operations meet; some are the beginning of others, and some stand before `/` where git sorts. */
const DIRECTORIES = ['a', 'b', 'c', 'aa', 'ab', 'a.b', 'a-b', 'a b', 'd'];
const FILES = ['f', 'g', 'h', 'ff', 'f.txt', 'i', 'j', 'k.o', 'f~', '.k'];

/** What shells, git's quoting and UTF-8 decoders trip over. */
const ODD = [
  'new\nline',
  ' ',
  'space ',
  'quo"te',
  "apo'strophe",
  '-',
  '--',
  '-f',
  'tab\t',
  'back\\slash',
  nameOf(Buffer.from('\u00fc\u4e2d')),
  'caf\xe9',
  '\xff\xfe',
  '\xc3',
  '\x01',
  '*',
  '?[x]',
  '#f',
  '!f',
  ':f',
  '.hidden',
  '...',
  '.gitfoo',
  'n'.repeat(200),
];

const ODDNESS = 0.1;

export function directoryName(random: Random): string {
  return random.pick(random.chance(ODDNESS) ? ODD : DIRECTORIES);
}

export function fileName(random: Random): string {
  return random.pick(random.chance(ODDNESS) ? ODD : FILES);
}
