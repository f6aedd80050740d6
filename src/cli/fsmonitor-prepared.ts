import { ownProgram } from '../start/own-program.ts';
import { Standby } from '../start/standby.ts';

/** See called.ts: what it does with descriptors is Unix's. */
const CAN_STAND_BY = process.platform !== 'win32';

let prepared: Standby | undefined;

/**
 * Starts the process that will be the daemon, before it is known whether there is to be one: to load its modules, and to find out what
 * git says of the repository, take the same time, and two processes do both at once.
 */
export function prepareDaemon(): void {
  if (!CAN_STAND_BY) return;
  try {
    prepared = new Standby([...ownProgram(), 'fsmonitor', 'run', '--detach']);
  } catch {
    // Then it is started when it is needed; what is in the way is met again there, and said.
  }
}

/** The process that stands by to be the daemon, if there is one. */
export function preparedDaemon(): Standby | undefined {
  return prepared;
}
