/** What the loops of an acting process share. */
import type { EntryFile } from './entries.ts';
import { now } from './entries.ts';
import type { Random } from './random.ts';
import type { Part, Place } from './setting.ts';

export interface Loop {
  readonly part: Part;
  readonly file: EntryFile;
  readonly random: Random;
  /** Its name in what it writes down. */
  readonly by: string;
  /** Something that the loop does not wait for, and its process does. */
  later(what: Promise<unknown>): void;
}

/** A place, each as often as it is to be: for requests, or for starts and ends. */
export function choosePlace({ part, random }: Loop, which: 'requests' | 'lives'): Place {
  let left = random.next() * part.places.reduce((sum, place) => sum + place[which], 0);
  return part.places.find((place) => (left -= place[which]) < 0) ?? part.places[0]!;
}

/** An error's code, and what it says. */
export function failureOf(error: unknown): { outcome: string; detail: string } {
  const { code } = error as { code?: unknown };
  return {
    outcome: typeof code === 'string' ? code : 'UNKNOWN',
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

export function isOver({ part }: Loop): boolean {
  return now() >= part.until;
}
