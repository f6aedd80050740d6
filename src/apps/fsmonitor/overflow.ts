import { fs } from './builtins.ts';

const { readFileSync } = fs;

/** What the kernel's queue holds where it does not say. It is Linux's own default. */
const DEFAULT_LIMIT = 16_384;

/** In so short a turn of the event loop hardly anything can have come that is not seen yet, in milliseconds. */
const SHORT_TURN = 5;

/** What has a watch that is not wanted any more. */
interface Closable {
  close(): void;
}

/**
 * Notices that the kernel's queue of events was full, and that some were dropped: Node does not tell. But a queue that was full is emptied in one turn
 * of the event loop, so a turn with nearly as many events as it holds may have been that; half as many count as such, for not all of
 * them are seen: equal ones are told once, and those of a watch that was closed never.
 *
 * For that reason it also closes the watches that are not wanted any more: at the end of a turn, when what they had to tell has
 * been told.
 */
export class EventQueue {
  readonly #suspicious: number;
  readonly #onOverflow: () => void;
  readonly #shortTurn: number;
  #events = 0;
  #turn: NodeJS.Immediate | undefined;
  #turnBegan = 0;
  #unwanted: Closable[] = [];

  /**
   * @param limit - How many events the kernel's queue holds.
   * @param shortTurn - In milliseconds.
   */
  constructor(onOverflow: () => void, { limit = maxQueuedEvents(), shortTurn = SHORT_TURN } = {}) {
    this.#onOverflow = onOverflow;
    this.#suspicious = limit / 2;
    this.#shortTurn = shortTurn;
  }

  /** An event has come. */
  count(): void {
    if (this.#events++ === 0) this.#awaitEndOfTurn();
  }

  /** Closes a watch when that hides no event. */
  closeLater(watch: Closable): void {
    this.#unwanted.push(watch);
    this.#awaitEndOfTurn();
  }

  close(): void {
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#closeUnwanted();
  }

  #awaitEndOfTurn(): void {
    if (this.#turn !== undefined) return;
    this.#turnBegan = performance.now();
    this.#turn = setImmediate(() => this.#endOfTurn());
  }

  #endOfTurn(): void {
    this.#turn = undefined;
    const isSuspicious = this.#events >= this.#suspicious;
    this.#events = 0;
    if (isSuspicious) this.#onOverflow();
    if (this.#unwanted.length === 0) return;
    // After a long turn there may be events that nobody would see any more. So many that are closed at once are as good as an overflow.
    const isShort = performance.now() - this.#turnBegan < this.#shortTurn;
    if (!isShort && this.#unwanted.length < this.#suspicious) return this.#awaitEndOfTurn();
    if (!isShort && !isSuspicious) this.#onOverflow();
    this.#closeUnwanted();
  }

  #closeUnwanted(): void {
    for (const watch of this.#unwanted.splice(0)) watch.close();
  }
}

function maxQueuedEvents(): number {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1')) || DEFAULT_LIMIT;
  } catch {
    return DEFAULT_LIMIT;
  }
}
