import { LISTEN_VARIABLES } from '../system/variables.ts';

/** The variables that tell a started process where its output goes, and how long that may get, in bytes. */
export const LOG_VARIABLE = 'SIMPLE_IPC_LOG';
export const LIMIT_VARIABLE = 'SIMPLE_IPC_LOG_LIMIT';

/**
 * What the system has told this process about itself, and would be wrong of another, without a value: sd_listen_fds(3),
 * sd_notify(3).
 */
export const OWN_VARIABLES: Readonly<Record<string, undefined>> = Object.fromEntries(
  [...LISTEN_VARIABLES, 'NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC'].map((name) => [name, undefined]),
);
