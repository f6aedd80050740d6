import type { Sizes, Transport } from '../machines/observer.ts';
import type { PhaseName } from './conventions.ts';
import type { Thrown } from './thrown.ts';

/** The phases of a request on the server, and of a call on the client: in the order in which they begin. */
export const PHASES = {
  server: ['reading-request', 'dispatching', 'waiting-for-slot', 'slot-granted', 'streaming-response'],
  client: ['connecting', 'sending-request', 'awaiting-response', 'reading-response'],
} as const satisfies Record<string, readonly PhaseName[]>;

/** In place of the time of a phase that a request did not come to. */
export const NEVER = -1;

/** Ends that are in order, or the client's own doing: no failure of the server. */
export const IN_ORDER: ReadonlySet<string> = new Set(['answered', 'pinged', 'hung-up', 'refused']);

/** What is known of a request when it is over: what its span and its metrics are made of. Never the payload. */
export interface RequestFacts extends Sizes {
  readonly side: 'server' | 'client';
  readonly path: string;
  readonly transport: Transport;
  /** What the classifier made of it; nothing without one. */
  readonly method: string | undefined;
  /** When each of the `PHASES` began: `performance.now()` in milliseconds, or `NEVER`. The first one is the start. */
  readonly times: readonly number[];
  readonly endedAt: number;
  /** Server: how the connection ended. Client: `answered`, or the error's code or name. */
  readonly outcome: string;
  /** It failed, and why. A client that hangs up is no failure of the server. */
  readonly failure: { readonly type: string; readonly message: string } | undefined;
  /** What the handler has thrown, where it failed by an error. */
  readonly thrown?: Thrown | undefined;
  /** The number in the connection's name. */
  readonly connection: number | undefined;
}
