import { awaitCall, loadServer } from '../start/called.ts';
import { ownProgram } from '../start/own-program.ts';
import { Standby } from '../start/standby.ts';

/** Windows gives no number to a file that is opened. */
const CAN_STAND_BY = process.platform !== 'win32';

let standby: Standby | undefined;

/**
 * Starts the process that will be the daemon, before it is known whether there is to be one: to load its modules, and to find out what
 * git says of the repository, take the same time, and two processes do both at once.
 */
export function standByToRun(): void {
  if (CAN_STAND_BY) standby = new Standby([...ownProgram(), 'fsmonitor', 'run', '--detach']);
}

/** The process that stands by, if there is one. */
export function onStandby(): Standby | undefined {
  return standby;
}

/** On standby: loads what a daemon is, and waits until it is to be one. Gives its words; nothing: there is to be none. */
export async function standBy(): Promise<readonly string[] | undefined> {
  await Promise.all([
    import('../apps/fsmonitor/repository.ts'),
    import('./fsmonitor-arguments.ts'),
    import('./fsmonitor-handed.ts'),
    import('./fsmonitor-run.ts'),
    loadServer(),
  ]);
  // Behind `fsmonitor`.
  return awaitCall()?.slice(1);
}
