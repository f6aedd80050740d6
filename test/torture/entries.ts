/** What the processes of a torture test write down: what they did, what came of it, and when. */
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Milliseconds by a clock that is the same one in all processes of this machine, and is never set. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

interface Timed {
  readonly at: number;
}

interface Action extends Timed {
  /** When its outcome was known. `at`: before anything of it was done. */
  readonly end: number;
  /** Which loop of which process. */
  readonly by: string;
  /** The socket. */
  readonly path: string;
  /** `ok`, or why not: a code of this library, or a word of the rules. */
  readonly outcome: string;
  readonly detail?: string | undefined;
}

/** Which server, as far as it is known. */
export interface Which {
  readonly pid?: number | undefined;
  /** By its status: in the order in which servers have taken a path. */
  readonly startedAt?: number | undefined;
}

export type StartManner = 'serve' | 'detach' | 'start';
/** Somebody started a server. `ok`: it was reported that it listens. */
export interface Started extends Action, Which {
  readonly kind: 'start';
  readonly manner: StartManner;
  readonly takeover: boolean;
  /** It ends when nobody comes, and does not write that down. */
  readonly endsItself?: boolean;
}

export type EndManner = 'stop' | 'terminate' | 'kill' | 'kill-starting' | 'idle';
/** Somebody ended a server. */
export interface Ended extends Action, Which {
  readonly kind: 'end';
  readonly manner: EndManner;
}

/** A plain `serve` has ended. */
export interface Exited extends Timed {
  readonly kind: 'exit';
  readonly path: string;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: string | null;
  readonly said: string;
}

export interface Asked extends Action {
  readonly kind: 'request';
  readonly id: string;
  readonly what: string;
  /** By the command. */
  readonly isCommand: boolean;
  /** It might start a server. */
  readonly mayStart: boolean;
}

export interface Probed extends Action {
  readonly kind: 'probe';
}

/** Somebody asked for a server's status. */
export interface Looked extends Action, Which {
  readonly kind: 'status';
}

/** What a server says of itself. */
export interface Lived extends Timed {
  readonly kind: 'server';
  readonly pid: number;
  readonly path?: string;
  readonly startedAt?: number | undefined;
  /** `loaded`, `published`, `accepted` a request, or an event of its pool. */
  readonly event: string;
  readonly id?: string;
}

/** A process of the run. */
export interface Ran extends Timed {
  readonly kind: 'process';
  readonly what: string;
  readonly pid: number;
  readonly descriptors: number;
}

/** Something is wrong for certain. */
export interface Wrong extends Timed {
  readonly kind: 'wrong';
  readonly rule: string;
  readonly what: string;
}

/** Writes down that a rule was broken for certain, and how. */
export type Tell = (rule: string, what: string) => void;

export type Entry = Started | Ended | Exited | Asked | Probed | Looked | Lived | Ran | Wrong;

/** A file of entries, one a line. Each is written at once and whole, so that a kill loses none. */
export class EntryFile {
  readonly #descriptor: number;

  constructor(directory: string, name: string) {
    this.#descriptor = openSync(join(directory, `${name}.jsonl`), 'a', 0o600);
  }

  add(entry: Entry): void {
    writeSync(this.#descriptor, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** All entries of a directory, in the order of their beginnings. */
export function readEntries(directory: string): Entry[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Entry];
      } catch {
        // The last words of one that was killed in the middle of a write.
        return [];
      }
    })
    .toSorted((a, b) => a.at - b.at);
}
