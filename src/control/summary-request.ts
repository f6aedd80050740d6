import type { Transition } from '../machines/transition.ts';
import type { OpenState, SlowRequest } from './summary-types.ts';

/** The states of a request, in their order. */
const STATES = ['reading-request', 'dispatching', 'streaming-response'] as const;

/** An open connection: where it is, and when it came to each state. Numbers, so that following it costs next to nothing. */
export class OpenConnection {
  state: OpenState;
  /** When it came to each of the `STATES`: milliseconds since the epoch; not a number where that was not seen. */
  #readingAt = Number.NaN;
  #dispatchedAt = Number.NaN;
  #streamingAt = Number.NaN;
  #waitingSince = Number.NaN;
  #waited = 0;

  constructor(state: OpenState) {
    this.state = state;
  }

  /** Takes a transition that does not close it. */
  step({ event, from, to, at }: Transition): void {
    if (from === to) {
      if (event === 'SLOT_AWAITED') this.#waitingSince = at;
      else if (event === 'SLOT_GRANTED') this.#endWait(at);
      return;
    }
    this.state = to as OpenState;
    if (to === 'reading-request') this.#readingAt = at;
    else if (to === 'dispatching') this.#dispatchedAt = at;
    else if (to === 'streaming-response') this.#streamingAt = at;
  }

  /** How long its request has taken, in milliseconds: not a number where there is none, or its beginning was not seen. */
  took(at: number): number {
    return at - this.#readingAt;
  }

  /** Its request, which is over. */
  report(connection: string, outcome: string, at: number): SlowRequest {
    // A wait may be cut off by the request's end.
    this.#endWait(at);
    const starts = [this.#readingAt, this.#dispatchedAt, this.#streamingAt];
    const phases = STATES.flatMap((state, place) => {
      const start = starts[place] as number;
      if (Number.isNaN(start)) return [];
      const end = starts.slice(place + 1).find((next) => !Number.isNaN(next)) ?? at;
      return [{ state, ms: end - start, waited: state === 'dispatching' ? this.#waited : 0 }];
    });
    return { connection, outcome, ms: this.took(at), phases, at: this.#readingAt };
  }

  #endWait(at: number): void {
    if (!Number.isNaN(this.#waitingSince)) this.#waited += at - this.#waitingSince;
    this.#waitingSince = Number.NaN;
  }
}
