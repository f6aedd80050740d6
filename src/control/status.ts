import { reasonOf } from '../runtime/errors.ts';
import { time } from '../runtime/options.ts';
import { processState } from '../runtime/rendezvous/process-state.ts';
import { askLive, instanceOrEnding, PATIENCE } from './ask.ts';
import type { ServerStatus } from './types.ts';

/** As `status` of src/index.ts, which says it all. */
export async function status(
  path: string,
  { timeout = PATIENCE }: { timeout?: number } = {},
): Promise<ServerStatus> {
  time('timeout', timeout);
  const { status: written } = await instanceOrEnding(path);
  const state = processState(written);
  const known = { ...written, process: state };
  if (state === 'stopped') return { ...known, live: null, problem: isStopped(written.pid) };
  try {
    const live = await askLive(written, path, timeout);
    if (live === undefined)
      return { ...known, live: null, problem: 'Its control endpoint has not said how it is.' };
    // It has answered, whatever can be seen of its process from here.
    return { ...known, process: state === 'gone' ? 'running' : state, live, problem: null };
  } catch (error) {
    const problem =
      state === 'gone' || state === 'zombie'
        ? `Its process (pid ${written.pid}) has ended, and could not clean up: the next server there does.`
        : reasonOf(error);
    return { ...known, live: null, problem };
  }
}

/** Said of a process that takes no request until it goes on. */
function isStopped(pid: number): string {
  return `Its process (pid ${pid}) is stopped, by a signal or a debugger: kill -CONT ${pid} lets it go on.`;
}
