import type { Transition } from '../machines/transition.ts';
import { invalidArgument } from '../runtime/errors.ts';
import type { Server } from '../runtime/types.ts';
import { Tally } from './summary-tally.ts';
import type { Summary } from './summary-types.ts';

export type { Latency, OpenState, SlowRequest, Summary } from './summary-types.ts';

/** The shortest and the longest interval, in milliseconds: what costs the server little, and what a timer can wait. */
export const SHORTEST_INTERVAL = 10;
export const LONGEST_INTERVAL = 2 ** 31 - 1;

/**
 * Sums up what a server does, once each interval, and once more when it has ended, with the reason: that is the last one.
 * It observes the server only while it is iterated, and sums up no faster than its summaries are taken.
 *
 * @param observe - Attaches a listener to the server's transitions, and gives what detaches it.
 * @param intervalMs - In milliseconds, from 10 on.
 * @param signal - Ends it, without an error.
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT`, when it is first asked: the interval is none.
 */
export async function* summarise(
  server: Pick<Server, 'state' | 'stats'>,
  observe: (listener: (transition: Transition) => void) => () => void,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<Summary, void, void> {
  if (!(intervalMs >= SHORTEST_INTERVAL && intervalMs <= LONGEST_INTERVAL)) {
    throw invalidArgument(
      `interval must be a number of milliseconds from ${SHORTEST_INTERVAL} to ${LONGEST_INTERVAL}, not ${intervalMs}.`,
    );
  }
  const tally = new Tally(server);
  const detach = observe(tally.observe);
  try {
    for (let due = performance.now() + intervalMs; ;) {
      await until(due, tally, signal);
      if (signal.aborted) return;
      const isLast = tally.isOver;
      yield tally.take();
      if (isLast) return;
      // On the beat, unless nobody took the last one for longer than that.
      due += intervalMs;
      if (due < performance.now()) due = performance.now() + intervalMs;
    }
  } finally {
    detach();
  }
}

/** Resolves when it is time, the server has ended, or nobody wants to know any more. */
async function until(due: number, tally: Tally, signal: AbortSignal): Promise<void> {
  if (signal.aborted || tally.isOver) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  const timer = setTimeout(wake, due - performance.now());
  signal.addEventListener('abort', wake, { once: true });
  tally.onEnd = wake;
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', wake);
  tally.onEnd = undefined;
}
