/** What the daemon has answered git, as git tells it in its trace. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Repository } from './repository.ts';

export interface Answers {
  asked: number;
  /** "Anything may have changed." */
  trivial: number;
  /** No answer, or half of one. */
  failed: number;
}

/** Where each git of a repository writes its trace. */
export function traceOf({ home }: Pick<Repository, 'home'>): string {
  return join(home, 'trace');
}

/** Reads the trace on from where it has read before. */
export class AnswerReader {
  readonly #file: string;
  #offset = 0;

  constructor(repository: Repository) {
    this.#file = traceOf(repository);
  }

  /**
   * What was answered since it was last asked: by the client of the socket, or by a hook. What git has started itself, in nested
   * repositories, does not count: it has a `/` in its session's name.
   */
  read(): Answers {
    const lines = this.#more()
      .split('\n')
      .filter((line) => /^\{"event":"[^"]*","sid":"[^"/]*"/u.test(line));
    const count = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
    const asked = count(/"event":"region_enter".*"category":"fsm_(client|hook)","label":"query"/u);
    const answered = count(/"key":"query\/response-length"/u);
    return {
      asked,
      trivial: count(/"key":"query\/trivial-response"/u),
      failed: Math.max(0, asked - answered),
    };
  }

  /** Whole lines. */
  #more(): string {
    const size = statSync(this.#file, { throwIfNoEntry: false })?.size;
    if (size === undefined) return '';
    const bytes = Buffer.alloc(size - this.#offset);
    const descriptor = openSync(this.#file, 'r');
    try {
      readSync(descriptor, bytes, 0, bytes.length, this.#offset);
    } finally {
      closeSync(descriptor);
    }
    const end = bytes.lastIndexOf('\n') + 1;
    this.#offset += end;
    return bytes.toString('latin1', 0, end);
  }
}
