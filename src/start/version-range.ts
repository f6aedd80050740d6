import { invalidArgument } from '../runtime/errors.ts';

/** A version: three numbers, and what a pre-release says of itself. */
interface Version {
  readonly numbers: readonly [number, number, number];
  readonly pre: readonly string[];
}

type Test = (version: Version) => boolean;

const VERSION = /^v?(\d+)\.(\d+)\.(\d+)(?:-([\w.-]+))?(?:\+[\w.-]+)?$/u;
/** A comparator: numbers may be left out at the end. */
const COMPARATOR = /^(\^|~|>=|<=|>|<|=)?v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([\w.-]+))?$/u;

/**
 * Whether a version is in a range: comparators (`>=1.2`, `<2`, `^1.4.2`, `~1.4`, `=1.4.2`, `1.4`) that stand beside each other
 * must all hold, and of alternatives with `||` between them one. Numbers that are left out may be any. `*` takes every version.
 * Precedence is that of Semantic Versioning 2.0.0, a pre-release below its version; a version that is none is in no range.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT` for what is no range.
 */
export function versionRange(range: string): (version: string) => boolean {
  const alternatives = range.split('||').map((alternative) => conjunction(alternative.trim(), range));
  return (version) => {
    const parsed = parse(version);
    return parsed !== undefined && alternatives.some((tests) => tests.every((test) => test(parsed)));
  };
}

function conjunction(text: string, range: string): Test[] {
  if (text === '*') return [];
  // An operator may stand apart from its version.
  const words = text.replace(/([<>=^~])\s+/gu, '$1').split(/\s+/u);
  return words.flatMap((word) => comparator(word, range));
}

function comparator(word: string, range: string): Test[] {
  const match = COMPARATOR.exec(word);
  if (match === null)
    throw invalidArgument(
      `The version range ${JSON.stringify(range)} is none: give such as ^1.4, ~1.4.2, 1.4, or '>=1.4 <3'; || stands between alternatives.`,
    );
  const [, operator = '=', major, minor, patch, pre] = match;
  const least: Version = {
    numbers: [Number(major), Number(minor ?? 0), Number(patch ?? 0)],
    pre: pre?.split('.') ?? [],
  };
  const place = minor === undefined ? 0 : patch === undefined ? 1 : 2;
  const from = (version: Version) => compare(version, least) >= 0;
  const below = (end: Version) => (version: Version) => compare(version, end) < 0;
  switch (operator) {
    case '>=':
      return [from];
    case '<':
      return [below(least)];
    // What the numbers that are left out may be is part of it.
    case '>':
      return [place === 2 ? (version) => compare(version, least) > 0 : not(below(after(least, place)))];
    case '<=':
      return [place === 2 ? (version) => compare(version, least) <= 0 : below(after(least, place))];
    case '^':
      return [from, below(after(least, Math.min(place, firstNonZero(least))))];
    case '~':
      return [from, below(after(least, Math.min(place, 1)))];
    default:
      return place === 2 ? [(version) => compare(version, least) === 0] : [from, below(after(least, place))];
  }
}

/** The first version with the next number at that place. Its own pre-releases are before it, and belong to neither side. */
function after({ numbers }: Version, place: number): Version {
  const next = numbers.map((number, index) => (index < place ? number : index === place ? number + 1 : 0));
  return { numbers: next as unknown as Version['numbers'], pre: ['0'] };
}

/** `^0.2.3` is below 0.3, and `^0.0.3` is 0.0.3 alone: there every change may break. */
function firstNonZero({ numbers }: Version): number {
  const first = numbers.findIndex((number) => number > 0);
  return first === -1 ? 2 : first;
}

function not(test: Test): Test {
  return (version) => !test(version);
}

function parse(text: string): Version | undefined {
  const match = VERSION.exec(text);
  if (match === null) return undefined;
  const [, major, minor, patch, pre] = match;
  return { numbers: [Number(major), Number(minor), Number(patch)], pre: pre?.split('.') ?? [] };
}

function compare(a: Version, b: Version): number {
  for (const [index, number] of a.numbers.entries()) {
    const difference = number - (b.numbers[index] as number);
    if (difference !== 0) return difference;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (const [index, one] of a.pre.entries()) {
    const other = b.pre[index];
    if (other === undefined) return 1;
    const difference = compareIdentifiers(one, other);
    if (difference !== 0) return difference;
  }
  return a.pre.length - b.pre.length;
}

/** Numbers by their size, before words by their letters. */
function compareIdentifiers(a: string, b: string): number {
  const [aIsNumber, bIsNumber] = [/^\d+$/u.test(a), /^\d+$/u.test(b)];
  if (aIsNumber && bIsNumber) return Number(a) - Number(b);
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
