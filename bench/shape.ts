/** Checks that what was read has the shape that is expected, and says where it has not. */

/** Returns the value, or throws `WrongShape`. */
export type Check<T> = (value: unknown, at: string) => T;

export class WrongShape extends Error {
  constructor(at: string, expected: string, found: unknown) {
    super(`${at === '' ? 'the whole' : at} is ${kindOf(found)}, not ${expected}`);
  }
}

export const string: Check<string> = (value, at) => {
  if (typeof value !== 'string') throw new WrongShape(at, 'a text', value);
  return value;
};

/** JSON writes null for what is no finite number. */
export const number: Check<number> = (value, at) => {
  if (value === null) return Number.NaN;
  if (typeof value !== 'number') throw new WrongShape(at, 'a number', value);
  return value;
};

export const boolean: Check<boolean> = (value, at) => {
  if (typeof value !== 'boolean') throw new WrongShape(at, 'true or false', value);
  return value;
};

export function oneOf<const T extends string | number>(...allowed: readonly T[]): Check<T> {
  return (value, at) => {
    const found = allowed.find((each) => each === value);
    if (found === undefined) throw new WrongShape(at, `one of ${allowed.join(', ')}`, value);
    return found;
  };
}

/** JSON leaves out what is undefined. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, at) => (value === undefined ? undefined : check(value, at));
}

export function array<T>(check: Check<T>): Check<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw new WrongShape(at, 'a list', value);
    return value.map((item, index) => check(item, `${at}[${index}]`));
  };
}

export function record<T>(check: Check<T>): Check<Record<string, T>> {
  return (value, at) =>
    Object.fromEntries(
      Object.entries(asObject(value, at)).map(([key, item]) => [key, check(item, path(at, key))]),
    );
}

/** Only what is named is kept. */
export function object<T extends object>(checks: { readonly [Key in keyof T]-?: Check<T[Key]> }): Check<T> {
  const entries = Object.entries(checks) as [string, Check<unknown>][];
  return (value, at) => {
    const given = asObject(value, at);
    return Object.fromEntries(entries.map(([key, check]) => [key, check(given[key], path(at, key))])) as T;
  };
}

function asObject(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WrongShape(at, 'an object', value);
  }
  return value as Record<string, unknown>;
}

function path(at: string, key: string): string {
  return at === '' ? key : `${at}.${key}`;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value);
}
