import type { Transition } from '../machines/transition.ts';

/** The time that a connection spent in one state. Times are in milliseconds; `start` counts from its beginning. */
export interface Phase {
  readonly state: string;
  readonly start: number;
  readonly ms: number;
  /** How much of it was spent waiting for a free slot. */
  readonly waited: number;
}

/** A connection that has ended, and its way through the machine. */
export interface RequestReport {
  readonly connection: string;
  /** How it ended: `answered`, `pinged`, `hung-up`, ...; `crashed` where its actor did. */
  readonly outcome: string;
  /** Why, where there is more to say than the outcome. */
  readonly reason?: string;
  /** When it was accepted: milliseconds since the epoch. */
  readonly startedAt: number;
  readonly totalMs: number;
  readonly phases: readonly Phase[];
}

/** Follows one connection through its states. */
export class ConnectionTrace {
  readonly connection: string;
  readonly #startedAt: number;
  readonly #phases: Phase[] = [];
  #state: string;
  #since: number;
  #waitingSince: number | undefined;
  #waited = 0;

  constructor(first: Transition) {
    this.connection = first.actor;
    this.#startedAt = first.at;
    this.#since = first.at;
    this.#state = first.to;
  }

  /** Takes a transition after the first. */
  step({ event, from, to, at }: Transition): void {
    if (event === 'SLOT_AWAITED') this.#waitingSince = at;
    if (event === 'SLOT_GRANTED') this.#endWait(at);
    if (from === to) return;
    this.#endPhase(at);
    this.#state = to;
  }

  /** What came of it; nothing of it is kept. */
  end(outcome: string, at: number, reason?: string): RequestReport {
    if (this.#state !== 'closed') this.#endPhase(at);
    return {
      connection: this.connection,
      outcome,
      ...(reason === undefined ? undefined : { reason }),
      startedAt: this.#startedAt,
      totalMs: at - this.#startedAt,
      phases: this.#phases,
    };
  }

  #endWait(at: number): void {
    if (this.#waitingSince !== undefined) this.#waited += at - this.#waitingSince;
    this.#waitingSince = undefined;
  }

  #endPhase(at: number): void {
    this.#endWait(at);
    const start = this.#since - this.#startedAt;
    this.#phases.push({ state: this.#state, start, ms: at - this.#since, waited: this.#waited });
    this.#since = at;
    this.#waited = 0;
  }
}
