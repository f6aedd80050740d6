/** How far the clocks may part before they are set, in milliseconds. `Date.now()` knows whole milliseconds alone. */
const TOLERANCE = 20;
/** How often they are looked at at most, in milliseconds. */
const INTERVAL = 1_000;

/**
 * Times of `performance.now()` as times since the epoch. What the system calls the start of the process is right only
 * until a machine sleeps or its clock is set, so it is looked at again now and then.
 */
export class Clock {
  /** What to add to `performance.now()`, in milliseconds. */
  origin = performance.timeOrigin;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** The origin, looked at again where that was not done in the last second. */
  current(): number {
    const now = performance.now();
    if (now - this.#lookedAt >= INTERVAL) {
      this.#lookedAt = now;
      this.correct();
    }
    return this.origin;
  }

  /** True where it had to be set. */
  correct(): boolean {
    const origin = Date.now() - performance.now();
    if (Math.abs(origin - this.origin) <= TOLERANCE) return false;
    this.origin = origin;
    return true;
  }
}
