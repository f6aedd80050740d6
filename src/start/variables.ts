import type { StartPlan } from './options.ts';
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

/** What a plan says to the process that it starts, over what that has from its starter. */
export function variablesOf({
  env,
  log,
  logLimit,
}: Pick<StartPlan, 'env' | 'log' | 'logLimit'>): NodeJS.ProcessEnv {
  return { ...env, [LOG_VARIABLE]: log, [LIMIT_VARIABLE]: String(logLimit) };
}
