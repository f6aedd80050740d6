import type { ServeOptions } from '../../src/index.ts';
import { eventsOf, situations, vertexOf, type EventType, type Path } from './connection-model.ts';

/** A time-out of the server, in milliseconds, where a path ends by one. */
const TIMEOUT = 40;
/** One that comes well before the grace of a drain is over. */
const SHORT_TIMEOUT = 5;
const LARGE_WINDOW = 2_000_000;
const SMALL_WINDOW = 4_096;
/** How much longer than its window a request may be, where there is a limit. */
export const BEYOND_WINDOW = 500_000;

/** What a path asks for from its start on, because of what comes later in it. */
export interface Plan {
  /** All slots are taken when the request comes. */
  readonly blocked: boolean;
  /** The answer waits in the server's memory for its client. */
  readonly held: boolean;
  /** The client does not read until it has to. */
  readonly paused: boolean;
  readonly window: number;
  readonly options: ServeOptions;
}

export function planOf(path: Path, idle: EventType | undefined): Plan {
  const steps = situations(path, idle);
  const comes = (event: EventType) => steps.some((step) => step.event === event);

  // Something comes between the handler's end and the flush.
  const held = steps.some(
    ({ situation: { state, finished, answerFlushed }, event }) =>
      state === 'streaming-response' && finished && !answerFlushed && event !== 'ANSWER_FLUSHED',
  );
  // Something comes between the request and its slot.
  const blocked =
    vertexOf(path.state).state === 'dispatching' ||
    steps.some(
      ({ situation: { state, running }, event }) =>
        state === 'dispatching' && !running && event !== 'SLOT_GRANTED',
    );
  // The client leaves with something unread, or lets the server wait.
  const unread = steps.some(
    ({ situation: { state, requestComplete }, event }) =>
      state === 'streaming-response' && (event === 'HUNG_UP' || (event === 'TIMED_OUT' && requestComplete)),
  );
  const window = held ? LARGE_WINDOW : SMALL_WINDOW;
  const inGrace = steps.some(
    ({ situation: { state, grace }, event }) => state === 'listening' && grace && event === 'TIMED_OUT',
  );
  const timeout = !comes('TIMED_OUT') ? 0 : inGrace ? SHORT_TIMEOUT : TIMEOUT;
  return {
    blocked,
    held,
    paused: held || unread,
    window,
    options: {
      concurrency: 1,
      window,
      maxRequestBytes: comes('LIMIT_EXCEEDED') ? limitOf(path, window) : Number.POSITIVE_INFINITY,
      readTimeout: timeout,
      writeTimeout: timeout,
      pathCheckInterval: 0,
    },
  };
}

/** A limit that the request hits before it outgrows its window, or after. */
function limitOf(path: Path, window: number): number {
  return eventsOf(path).includes('REQUEST_OUTGREW') ? window + BEYOND_WINDOW : 100;
}
