import { reasonOf } from '../runtime/errors.ts';
import { time } from '../runtime/options.ts';
import { processState } from '../runtime/rendezvous/process-state.ts';
import { askControl, instanceOf, linesOf, PATIENCE } from './ask.ts';
import type { LiveStatus, ServerStatus } from './types.ts';

/** As `status` of src/index.ts, which says it all. */
export async function status(
  path: string,
  { timeout = PATIENCE }: { timeout?: number } = {},
): Promise<ServerStatus> {
  time('timeout', timeout);
  const written = await instanceOf(path);
  const state = processState(written);
  const known = { ...written, process: state };
  try {
    const answer = await askControl(written, 'status', {}, { timeout, deadline: timeout });
    for await (const { live } of linesOf(answer, path) as AsyncIterable<{ live?: LiveStatus }>) {
      if (live === undefined) break;
      // It has answered, whatever can be seen of its process from here.
      return { ...known, process: state === 'gone' ? 'running' : state, live, problem: null };
    }
    return { ...known, live: null, problem: 'Its control endpoint has not said how it is.' };
  } catch (error) {
    const problem =
      state === 'gone' || state === 'zombie'
        ? `Its process (pid ${written.pid}) has ended, and could not clean up: the next server there does.`
        : reasonOf(error);
    return { ...known, live: null, problem };
  }
}
