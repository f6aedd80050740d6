import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, reasonOf, SimpleIpcError } from '../runtime/errors.ts';
import { time } from '../runtime/options.ts';
import { cleanUp } from '../runtime/rendezvous/clean-up.ts';
import { resolveEndpoint } from '../runtime/rendezvous/endpoint.ts';
import { aborted, shell } from '../runtime/rendezvous/errors.ts';
import { CONTROL } from '../runtime/rendezvous/instance.ts';
import { instancesAt } from '../runtime/rendezvous/instances.ts';
import { isProvedListener, listeningSockets, processState } from '../runtime/rendezvous/process-state.ts';
import { removeSidecar, sidecarOf } from '../runtime/rendezvous/sidecar.ts';
import type { InstanceStatus } from '../runtime/rendezvous/status.ts';
import type { EndReason } from '../machines/pool.ts';
import { askControl, instanceOf, linesOf } from './ask.ts';
import type { Stopped, StopOptions } from './types.ts';

const DEFAULT_TIMEOUT = 30_000;
/** How long a process may take to be gone after SIGKILL, in milliseconds. */
const AFTER_SIGNAL = 5_000;
/** How often to look whether it is gone, in milliseconds. */
const STEP = 10;
/** How long its directory may stay when its control endpoint is gone, and its socket when it is, in milliseconds. */
const AFTER_CONTROL = 1_000;
const LOCK_TIMEOUT = 5_000;

/** As `stop` of src/index.ts, which says it all. */
export async function stop(path: string, options: StopOptions = {}): Promise<Stopped> {
  const { signal } = options;
  const timeout = time('timeout', options.timeout ?? DEFAULT_TIMEOUT);
  const drainTimeout =
    options.drainTimeout === undefined ? undefined : time('drainTimeout', options.drainTimeout);
  const status = await runningAt(path);
  if (status === undefined || isGone(status)) {
    // A socket that a killed server left is in nobody's way, but it misleads.
    if (status !== undefined) await cleanUpAfter(path, status);
    // What does not say whose it is may be another user's, or where nothing can be written.
    else await cleanUp(path, { lockTimeout: LOCK_TIMEOUT }).catch(() => undefined);
    return { wasRunning: false, pid: status?.pid, ended: undefined, killedBy: undefined };
  }
  const { pid } = status;
  const deadline = performance.now() + (timeout === 0 ? Number.POSITIVE_INFINITY : timeout);
  try {
    const ended = await stopPolitely(status, { drainTimeout, timeout, deadline, signal });
    return { wasRunning: true, pid, ended, killedBy: undefined };
  } catch (error) {
    if (signal?.aborted === true) throw aborted(path, signal);
    if (await hasEnded(status, error, deadline)) {
      await cleanUpAfter(path, status);
      return { wasRunning: true, pid, ended: undefined, killedBy: undefined };
    }
    if (options.force !== true) throw notStopped(path, status, error);
    return { wasRunning: true, pid, ended: undefined, killedBy: await kill(path, status, timeout, error) };
  }
}

/** The server at the path; where nobody listens, one that has given it up and is still to end; or nothing. */
async function runningAt(path: string): Promise<InstanceStatus | undefined> {
  try {
    return await instanceOf(path);
  } catch (error) {
    if (!isNobodyThere(error)) throw error;
    return instancesAt(resolveEndpoint(path).absolute)
      .flatMap(({ status }) => (status !== undefined && isHere(status) ? [status] : []))
      .toSorted((a, b) => b.startedAt - a.startedAt)[0];
  }
}

function isNobodyThere(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'SIMPLE_IPC_PATH_NOT_FOUND' || code === 'SIMPLE_IPC_NOT_LISTENING';
}

/** One that was elsewhere may be gone there, and nobody here could tell. */
function isHere(status: InstanceStatus): boolean {
  return ['running', 'stopped'].includes(processState(status));
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
    deadline,
    signal,
  }: {
    drainTimeout: number | undefined;
    timeout: number;
    deadline: number;
    signal: AbortSignal | undefined;
  },
): Promise<EndReason> {
  const answer = await askControl(status, 'stop', drainTimeout === undefined ? {} : { drainTimeout }, {
    timeout,
    deadline: timeout,
    ...(signal === undefined ? undefined : { signal }),
  });
  let ended: EndReason | undefined;
  for await (const line of linesOf(answer, status.path)) ended = (line as { ended?: EndReason }).ended;
  if (ended === undefined) throw new Error('Its answer ended early.');
  await unlisted(status, deadline);
  // The server does so as well, but after what is waited for.
  removeSidecar(sidecarOf(status.path));
  return ended;
}

/** Whether it has ended all the same: as it was asked, or while it answered, it was at its end, or was killed. */
async function hasEnded(status: InstanceStatus, error: unknown, deadline: number): Promise<boolean> {
  // What is killed lets go of its connections a moment before it is gone.
  const patience = isCutOff(error) ? AFTER_SIGNAL : 0;
  const until = Math.min(deadline, performance.now() + patience);
  while (!isGone(status) && isListed(status)) {
    if (performance.now() >= until) return false;
    await sleep(STEP);
  }
  return true;
}

function isCutOff(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return isNobodyThere(error) || code === 'SIMPLE_IPC_HUNG_UP' || code === 'SIMPLE_IPC_BUSY';
}

/** Waits until nothing of it stands beside the socket; to the deadline at most. */
async function unlisted(status: InstanceStatus, deadline: number): Promise<void> {
  while (isListed(status) && performance.now() < deadline) await sleep(STEP);
}

function isListed({ path, startedAt, pid }: InstanceStatus): boolean {
  return instancesAt(path).some(({ status }) => status?.pid === pid && status.startedAt === startedAt);
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
    if (!isProved(status)) throw notProved(path, status, why);
    try {
      process.kill(status.pid, signal);
    } catch (error) {
      if (errnoOf(error) === 'EPERM') throw notStopped(path, status, error);
      // It has ended in this instant.
    }
    const deadline = performance.now() + (signal === 'SIGTERM' ? timeout : AFTER_SIGNAL);
    while (performance.now() < deadline && !isGone(status)) await sleep(STEP);
    if (!isGone(status)) continue;
    await cleanUpAfter(path, status);
    return signal;
  }
  throw notStopped(path, status, why);
}

/** Removes what it left. The first of its threads is a zombie a moment before the last one lets the socket go. */
async function cleanUpAfter(path: string, { boundAs }: InstanceStatus): Promise<void> {
  const deadline = performance.now() + AFTER_CONTROL;
  while (isBound(boundAs) && performance.now() < deadline) await sleep(STEP);
  await cleanUp(path, { lockTimeout: LOCK_TIMEOUT });
}

function isBound(name: string): boolean {
  try {
    return listeningSockets(name).size > 0;
  } catch {
    // Linux alone tells.
    return false;
  }
}

/** By its socket; or, where it has closed that and does not end, by that of its control endpoint. */
function isProved(status: InstanceStatus): boolean {
  if (isProvedListener(status)) return true;
  if (status.control === null) return false;
  return isProvedListener({ ...status, boundAs: join(dirname(status.boundAs), CONTROL) });
}

function notStopped(path: string, { pid, control }: InstanceStatus, cause: unknown): SimpleIpcError {
  const remedy =
    control === null
      ? 'Or kill it (force).'
      : 'Wait longer (timeout), let it leave off what it does (drainTimeout), or kill it (force).';
  return new SimpleIpcError(
    'SIMPLE_IPC_STOP_FAILED',
    `The server at ${shell(path)} (pid ${pid}) has not stopped: ${reasonOf(cause)} ${remedy}`,
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
