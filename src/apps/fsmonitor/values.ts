/** Values of git's configuration and options, as git reads them: see git_parse_signed and git_parse_maybe_bool in its parse.c. */

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

const LARGEST = 2 ** 31 - 1;

/** An integer, such as `8`, `0x10` or `2k`; or what is wrong with it, in git's words. */
export function integer(text: string): number | 'invalid unit' | 'out of range' {
  const [, sign, digits = '', unit = ''] = /^\s*([-+]?)(0x[\da-f]+|\d+)([kmg]?)$/iu.exec(text) ?? [];
  const isOctal = /^0[0-7]+$/u.test(digits);
  if (digits === '' || (/^0\d/u.test(digits) && !isOctal)) return 'invalid unit';
  const size = (isOctal ? Number.parseInt(digits, 8) : Number(digits)) * UNITS[unit.toLowerCase()]!;
  if (size > LARGEST) return 'out of range';
  return sign === '-' ? -size : size;
}

/** A boolean; nothing where it is none. Of a key without a value the value is `undefined`, and that is true. */
export function boolean(value: string | undefined): boolean | undefined {
  const text = booleanWord(value);
  if (text !== undefined) return text;
  const number = integer(value as string);
  return typeof number === 'number' ? number !== 0 : undefined;
}

/** The same, but numbers are none. */
export function booleanWord(value: string | undefined): boolean | undefined {
  if (value === undefined || /^(?:true|yes|on)$/iu.test(value)) return true;
  return /^(?:|false|no|off)$/iu.test(value) ? false : undefined;
}
