/** What a sweep looks at. */
export interface Progressing {
  /** The number of the sweep in which something last moved, or nothing was waited for. */
  progress: number;
  readonly waitsFor: 'read' | 'write' | undefined;
  timedOut(waitingFor: 'read' | 'write', timeout: number): void;
}

export interface Timeouts {
  readonly readTimeout: number;
  readonly writeTimeout: number;
}

/** How finely time-outs are measured: one comes up to a fifth late, and never early. */
const SWEEPS_PER_TIMEOUT = 10;
const SHORTEST_SWEEP = 5;
const LONGEST_SWEEP = 1_000;

/**
 * Time-outs for many connections with one timer: connections note the number of the sweep in which something moved, which
 * costs nothing, and the sweep looks for those that have stood still for too many. A timer each would be set and cleared
 * with every request.
 */
export class ProgressSweep {
  /** The number of sweeps so far. */
  count = 0;
  readonly #period: number;
  readonly #timeouts: Timeouts;
  readonly #connections: readonly Progressing[];
  readonly #hasTimeouts: boolean;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeouts: Timeouts, connections: readonly Progressing[]) {
    this.#timeouts = timeouts;
    this.#connections = connections;
    const set = [timeouts.readTimeout, timeouts.writeTimeout].filter((timeout) => timeout > 0);
    this.#period = Math.min(Math.max(Math.min(...set) / SWEEPS_PER_TIMEOUT, SHORTEST_SWEEP), LONGEST_SWEEP);
    this.#hasTimeouts = set.length > 0;
  }

  /** There is a connection. Without any there is no timer either: a server that nobody asks never wakes for it. */
  begin(): void {
    if (this.#timer === undefined && this.#hasTimeouts)
      this.#timer = setInterval(() => this.#sweep(), this.#period).unref();
  }

  #sweep(): void {
    this.count++;
    if (this.#connections.length === 0) return this.stop();
    // One that times out leaves the list, and others may take its place.
    for (const connection of this.#connections.slice()) {
      const waitsFor = connection.waitsFor;
      if (waitsFor === undefined) {
        connection.progress = this.count;
        continue;
      }
      const timeout = waitsFor === 'read' ? this.#timeouts.readTimeout : this.#timeouts.writeTimeout;
      if (timeout === 0) continue;
      // The first of these sweeps may have been due at once, so it does not count.
      if (this.count - connection.progress > Math.ceil(timeout / this.#period))
        connection.timedOut(waitsFor, timeout);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
