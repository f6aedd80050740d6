/** Somebody who wants a slot. `wants` is asked again when its turn has come: it may be gone by then. */
export interface SlotTaker {
  readonly wantsSlot: boolean;
  slotGranted(): void;
}

/** Slots for a number of handlers at once, handed out first come, first served. Waiting is bounded by `maxConnections`. */
export class Slots {
  readonly #limit: number;
  readonly #inContext: (run: () => void) => void;
  #taken = 0;
  #queue: SlotTaker[] = [];
  #head = 0;
  #gone = 0;
  #granting = false;

  /**
   * `inContext` calls what it is given in an asynchronous context that is nobody's: who waited is granted a slot while
   * another's handler ends.
   */
  constructor(limit: number, inContext: (run: () => void) => void = (run) => run()) {
    this.#limit = limit;
    this.#inContext = inContext;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#queue.length - this.#head - this.#gone;
  }

  /** Those held, whether they still wait or not. */
  get queued(): number {
    return this.#queue.length - this.#head;
  }

  /** Grants a slot at once and says true; or says false, and grants it in turn. */
  acquire(taker: SlotTaker): boolean {
    if (this.#taken < this.#limit && this.waiting === 0) {
      this.#taken++;
      taker.slotGranted();
      return true;
    }
    this.#queue.push(taker);
    return false;
  }

  /** One that waited does not want it any more (`wantsSlot` is false by now). */
  forget(): void {
    this.#gone++;
    // Those that are gone are let go of before they outnumber the rest.
    if (this.#granting || this.#gone < 64 || this.#gone <= this.waiting) return;
    this.#queue = this.#queue.slice(this.#head).filter((taker) => taker.wantsSlot);
    this.#head = 0;
    this.#gone = 0;
  }

  release(): void {
    this.#taken--;
    // What is granted may be released at once, inside slotGranted: one loop, not a recursion as deep as the queue.
    if (this.#granting || this.#head === this.#queue.length) return;
    this.#inContext(() => this.#grant());
  }

  #grant(): void {
    this.#granting = true;
    try {
      while (this.#taken < this.#limit && this.#head < this.#queue.length) {
        const taker = this.#queue[this.#head] as SlotTaker;
        this.#advance();
        if (!taker.wantsSlot) {
          this.#gone--;
          continue;
        }
        this.#taken++;
        taker.slotGranted();
      }
    } finally {
      this.#granting = false;
    }
  }

  #advance(): void {
    this.#head++;
    if (this.#head === this.#queue.length || this.#head === 1024) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
