/**
 * One step of a machine: what everything that observes a server is made of. Events that change no state are
 * transitions too (`from` equals `to`), such as the wait for a slot.
 */
export interface Transition {
  readonly machine: 'connection' | 'pool';
  /** `pool`, or the connection's name: `c1`, `c2`, ... */
  readonly actor: string;
  readonly from: string;
  /** The event's type. */
  readonly event: string;
  readonly to: string;
  /** When the event was taken up, before what it set off: milliseconds since the epoch, with a fraction. */
  readonly at: number;
  /** Why, where the event says so: a failure's message, the limit that was hit. */
  readonly reason?: string;
  /** With the last transition of an actor: how it ended. */
  readonly output?: unknown;
}
