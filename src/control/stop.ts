import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, reasonOf, SimpleIpcError } from '../runtime/errors.ts';
import { time } from '../runtime/options.ts';
import { cleanUp } from '../runtime/rendezvous/clean-up.ts';
import { shell } from '../runtime/rendezvous/errors.ts';
import { instancesAt } from '../runtime/rendezvous/instances.ts';
import { isProvedListener, processState } from '../runtime/rendezvous/process-state.ts';
import type { InstanceStatus } from '../runtime/rendezvous/status.ts';
import type { EndReason } from '../machines/pool.ts';
import { askControl, instanceOf, linesOf } from './ask.ts';
import type { Stopped, StopOptions } from './types.ts';

const DEFAULT_TIMEOUT = 30_000;
/** How long a process may take to be gone after SIGKILL, in milliseconds. */
const AFTER_SIGNAL = 5_000;
/** How often to look whether it is gone, in milliseconds. */
const STEP = 10;
const LOCK_TIMEOUT = 5_000;

/** As `stop` of src/index.ts, which says it all. */
export async function stop(path: string, options: StopOptions = {}): Promise<Stopped> {
  const timeout = time('timeout', options.timeout ?? DEFAULT_TIMEOUT);
  const drainTimeout =
    options.drainTimeout === undefined ? undefined : time('drainTimeout', options.drainTimeout);
  const status = await runningAt(path);
  if (status === undefined || isGone(status)) {
    // A socket that a killed server left is in nobody's way, but it misleads.
    if (status !== undefined) await cleanUp(path, { lockTimeout: LOCK_TIMEOUT });
    return { wasRunning: false, pid: status?.pid, ended: undefined, killedBy: undefined };
  }
  const { pid } = status;
  try {
    const ended = await stopPolitely(status, { drainTimeout, timeout, signal: options.signal });
    return { wasRunning: true, pid, ended, killedBy: undefined };
  } catch (error) {
    if (isGone(status)) {
      await cleanUp(path, { lockTimeout: LOCK_TIMEOUT });
      return { wasRunning: true, pid, ended: undefined, killedBy: undefined };
    }
    if (options.force !== true || options.signal?.aborted === true) throw notStopped(path, pid, error);
    return { wasRunning: true, pid, ended: undefined, killedBy: await kill(path, status, timeout, error) };
  }
}

/** The server at the path; nothing where nobody listens. */
async function runningAt(path: string): Promise<InstanceStatus | undefined> {
  try {
    return await instanceOf(path);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'SIMPLE_IPC_PATH_NOT_FOUND' || code === 'SIMPLE_IPC_NOT_LISTENING') return undefined;
    throw error;
  }
}

function isGone(status: InstanceStatus): boolean {
  const state = processState(status);
  return state === 'gone' || state === 'zombie';
}

/** Tells it to stop, and waits until it has, and has removed what stood beside its socket. */
async function stopPolitely(
  status: InstanceStatus,
  {
    drainTimeout,
    timeout,
    signal,
  }: { drainTimeout: number | undefined; timeout: number; signal: AbortSignal | undefined },
): Promise<EndReason> {
  const deadline = performance.now() + timeout;
  const answer = await askControl(status, 'stop', drainTimeout === undefined ? {} : { drainTimeout }, {
    timeout,
    deadline: timeout,
    ...(signal === undefined ? undefined : { signal }),
  });
  let ended: EndReason | undefined;
  for await (const line of linesOf(answer, status.path)) ended = (line as { ended?: EndReason }).ended;
  if (ended === undefined) throw new Error('its answer ended early');
  while (performance.now() < deadline && isListed(status)) await sleep(STEP);
  return ended;
}

function isListed({ path, control }: InstanceStatus): boolean {
  return instancesAt(path).some(({ status }) => status?.control === control);
}

async function kill(
  path: string,
  status: InstanceStatus,
  timeout: number,
  why: unknown,
): Promise<'SIGTERM' | 'SIGKILL'> {
  // Who can be asked has been, and has had its time.
  const signals = status.control === null ? (['SIGTERM', 'SIGKILL'] as const) : (['SIGKILL'] as const);
  for (const signal of signals) {
    if (!isProvedListener(status)) throw notProved(path, status, why);
    try {
      process.kill(status.pid, signal);
    } catch (error) {
      if (errnoOf(error) === 'EPERM') throw notStopped(path, status.pid, error);
      // It has ended in this instant.
    }
    const deadline = performance.now() + (signal === 'SIGTERM' ? timeout : AFTER_SIGNAL);
    while (performance.now() < deadline && !isGone(status)) await sleep(STEP);
    if (!isGone(status)) continue;
    await cleanUp(path, { lockTimeout: LOCK_TIMEOUT });
    return signal;
  }
  throw notStopped(path, status.pid, why);
}

function notStopped(path: string, pid: number, cause: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_STOP_FAILED',
    `The server at ${shell(path)} (pid ${pid}) has not stopped: ${reasonOf(cause)} Wait longer (timeout), let it leave off ` +
      'what it does (drainTimeout), or kill it (force).',
    { path, cause },
  );
}

function notProved(path: string, { pid }: InstanceStatus, cause: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_STOP_FAILED',
    `The server at ${shell(path)} has not stopped (${reasonOf(cause)}), and that process ${pid} is that server can't be ` +
      'proved from here, so it is not killed. Look at it, and end it yourself.',
    { path, cause },
  );
}
