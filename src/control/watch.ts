import type { Transition } from '../machines/transition.ts';
import { askControl, instanceOf, linesOf, PATIENCE } from './ask.ts';
import type { Summary } from './summary.ts';

/** As `watch` of src/index.ts, which says it all. */
export async function* watch(
  path: string,
  { interval = 1_000, signal }: { interval?: number; signal?: AbortSignal } = {},
): AsyncGenerator<Summary, void, void> {
  yield* follow(path, { interval }, signal) as AsyncGenerator<Summary>;
}

/** As `events` of src/index.ts, which says it all. */
export async function* events(
  path: string,
  { signal }: { signal?: AbortSignal } = {},
): AsyncGenerator<Transition | DroppedEvents, void, void> {
  yield* follow(path, {}, signal) as AsyncGenerator<Transition | DroppedEvents>;
}

/** Stands where transitions are missing: nobody read them fast enough. */
export interface DroppedEvents {
  readonly event: 'dropped';
  readonly count: number;
}

async function* follow(
  path: string,
  options: { interval?: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<object> {
  const { status: written } = await instanceOf(path);
  // Summaries come at their time; a server that has no transition to tell may be silent for as long as it likes.
  const timeout = options.interval === undefined ? 0 : Math.max(PATIENCE, 3 * options.interval);
  const answer = await askControl(written, 'events', options, {
    timeout,
    ...(signal === undefined ? undefined : { signal }),
  });
  try {
    yield* linesOf(answer, path);
  } finally {
    answer.cancel();
  }
}
