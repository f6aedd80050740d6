import { InvalidArgumentError } from 'commander';

/** setTimeout's longest delay. */
const LONGEST_TIME = 2 ** 31 - 1;

/** A time in milliseconds. */
export function milliseconds(text: string): number {
  const ms = wholeNumber(text);
  if (ms <= LONGEST_TIME) return ms;
  throw new InvalidArgumentError(`Give milliseconds: a whole number from 0 to ${LONGEST_TIME}.`);
}

/** A time in seconds, which may have a fraction. */
export function seconds(text: string): number {
  const number = Number(text);
  if (/^\d+(\.\d+)?$/u.test(text) && number > 0 && number * 1000 <= LONGEST_TIME) return number;
  throw new InvalidArgumentError(
    `Give seconds: a number above 0, at most ${Math.floor(LONGEST_TIME / 1000)}.`,
  );
}

/** A number of things, at least one, or `Infinity`. */
export function count(text: string): number {
  const number = text === 'Infinity' ? Number.POSITIVE_INFINITY : wholeNumber(text);
  if (number >= 1) return number;
  throw new InvalidArgumentError('Give a whole number from 1 on, or Infinity.');
}

/** A number of bytes, which may be none, or `Infinity`. */
export function bytes(text: string): number {
  return text === 'Infinity' ? Number.POSITIVE_INFINITY : wholeNumber(text);
}

/** The time of an option that may go without: it takes the next word for it, which is easily the path. */
export function optionalMilliseconds(text: string): number {
  if (/^\d/u.test(text)) return milliseconds(text);
  throw new InvalidArgumentError(
    'Give milliseconds behind it, such as 1000, or put it at the end of the line.',
  );
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/u.test(text) && Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError('Give a whole number, such as 1000.');
}

/** A shell would take one that is empty for done, and every request for answered. */
export function shellCommand(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It is empty: give a command, such as cat.');
}
