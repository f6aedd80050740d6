import type { Token } from './tokens.ts';

/** How long the changes are kept that came before those that a client has asked for, in milliseconds: clients that ask at once may have different tokens. As in git. */
const KEPT_BEHIND = 300_000;

/** The most paths that are kept. Who is told of more does better to look for itself. */
const MAX_PATHS = 250_000;

/** What changed between two answers. */
interface Batch {
  /** The token that was given out with it. */
  readonly sequence: number;
  readonly paths: ReadonlySet<string>;
  readonly closedAt: number;
}

/** Which paths have changed, and since when, by the tokens that were given out. */
export class Journal {
  readonly #newId: () => string;
  readonly #maxPaths: number;
  #id: string;
  #sequence = 0;
  /** All up to this one were given up. */
  #forgotten = 0;
  #closed: Batch[] = [];
  #open = new Set<string>();
  #size = 0;
  /** Before a client has a token of this id, nobody can ask what changed since. */
  #isAwaited: boolean;
  readonly #isTest: boolean;
  /** Up to this one, tokens may be of somebody who was not told paths. */
  #unsure = -1;

  /** @param isTest - Whether it is asked by git's own tests: they know the first id before it was given out, and no more than git's daemon tells. */
  constructor(newId: () => string, { isTest = false, maxPaths = MAX_PATHS } = {}) {
    this.#newId = newId;
    this.#maxPaths = maxPaths;
    this.#id = newId();
    this.#isTest = isTest;
    this.#isAwaited = isTest;
  }

  get id(): string {
    return this.#id;
  }

  /** How many paths are kept; one that changed between other answers again counts again. */
  get size(): number {
    return this.#size + this.#open.size;
  }

  add(path: string): void {
    if (!this.#isAwaited) return;
    this.#open.add(path);
    if (this.size > this.#maxPaths) this.#shrink();
  }

  /**
   * A token for the state of now: what changes from here on is in none of the batches before.
   *
   * @param isNew - Whether it has to be one that was never given out.
   */
  token(isNew = false): Token {
    this.#isAwaited = true;
    if (this.#open.size > 0 || isNew) this.#sequence++;
    if (this.#open.size > 0) {
      this.#closed.push({ sequence: this.#sequence, paths: this.#open, closedAt: performance.now() });
      this.#size += this.#open.size;
      this.#open = new Set();
    }
    return { id: this.#id, sequence: this.#sequence };
  }

  /** A token for somebody who is told that anything may have changed, instead of paths. */
  unsureToken(): Token {
    const token = this.token();
    if (!this.#isTest) this.#unsure = token.sequence;
    return token;
  }

  /** Whether this token may be of somebody who was told that. */
  isUnsure({ id, sequence }: Token): boolean {
    return id === this.#id && sequence <= this.#unsure;
  }

  /**
   * What has changed between two tokens that were given out. A word where that is not known any more: whoever asks has to look for itself.
   */
  since(token: Token, until: Token): ReadonlySet<string> | 'other-token-id' | 'old-token' | 'unknown-token' {
    if (token.id !== this.#id) return 'other-token-id';
    if (token.sequence > until.sequence) return 'unknown-token';
    if (token.sequence < this.#forgotten) return 'old-token';
    const news = this.#closed.filter(({ sequence }) => sequence > token.sequence);
    if (news.length === 1) return news[0]!.paths;
    const paths = new Set<string>();
    for (const batch of news) for (const path of batch.paths) paths.add(path);
    return paths;
  }

  /** Gives up what is old, now that somebody knows all up to `token`. */
  trim({ sequence }: Token): void {
    const known = this.#closed.find((batch) => batch.sequence >= sequence);
    if (known === undefined) return;
    while (this.#closed[0] !== known && this.#closed[0]!.closedAt < known.closedAt - KEPT_BEHIND)
      this.#forget();
  }

  /** Something may have been missed: no token that was given out is worth anything any more. */
  renew(): void {
    this.#id = this.#newId();
    this.#sequence = 0;
    this.#forgotten = 0;
    this.#closed = [];
    this.#open.clear();
    this.#size = 0;
    this.#isAwaited = false;
    this.#unsure = -1;
  }

  #shrink(): void {
    while (this.#closed.length > 0 && this.size > this.#maxPaths) this.#forget();
    if (this.#open.size > this.#maxPaths) this.renew();
  }

  #forget(): void {
    const batch = this.#closed.shift() as Batch;
    this.#forgotten = batch.sequence;
    this.#size -= batch.paths.size;
  }
}
