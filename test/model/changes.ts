import { within } from '../support/serving.ts';

/** Waits for conditions, which are looked at again whenever something has changed. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** Something has changed. */
  readonly note = (): void => {
    for (const wake of this.#waiting) wake();
  };

  /** Resolves when the condition holds; fails, with `what` was to come, when that takes unreasonably long. */
  async until(condition: () => boolean, what: () => string): Promise<void> {
    if (condition()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (condition()) resolve();
    };
    this.#waiting.add(look);
    try {
      await within(promise, what);
    } finally {
      this.#waiting.delete(look);
    }
  }
}
