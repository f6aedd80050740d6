/** What a generator prints: a line for each stage that it comes to, and its result as the last one. */
import type { Counts } from '../histogram.ts';

/**
 * `warm`: it has warmed the server up; nothing is open. `measuring`: idle connections are open, and the server has
 * accepted them all; now comes what is measured. `measured`: that is over, and nothing but the idle connections is open.
 */
export type Stage = 'warm' | 'measuring' | 'measured';

/** The line on which it waits, until it is sent an empty one. */
export interface StageLine {
  readonly stage: Stage;
}

export interface GeneratorResult {
  readonly requests: number;
  readonly errors: number;
  readonly errorKinds: Readonly<Record<string, number>>;
  /** In microseconds. */
  readonly elapsed: number;
  /** The share of its time in which it was doing something. */
  readonly busy: number;
  /** How often a connection was tried again because the backlog was full. */
  readonly backlogFull: number;
  /** Without framing, of what was answered whole. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly connect: Counts;
  readonly firstByte: Counts;
  readonly lastByte: Counts;
}
