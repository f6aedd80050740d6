import { randomFillSync } from 'node:crypto';

/** Words of an id of a trace and of one of a span. */
const WORDS = 6;

/** Random words for ids, drawn many at once: one by one they cost more than all the rest of a record. */
export class IdSource {
  readonly words = new Int32Array(WORDS * 512);
  #next = this.words.length;

  /** Where six fresh words are: four for a trace, two for a span. */
  draw(): number {
    if (this.#next === this.words.length) {
      randomFillSync(this.words);
      this.#next = 0;
    }
    const at = this.#next;
    this.#next += WORDS;
    return at;
  }
}
