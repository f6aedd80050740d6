import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../runtime/errors.ts';
import { time } from '../runtime/options.ts';
import { cleanUp } from '../runtime/rendezvous/clean-up.ts';
import { aborted } from '../runtime/rendezvous/errors.ts';
import { isDeadInstance, isHandedIn, isProvedInstance } from '../runtime/rendezvous/held.ts';
import { instancesAt } from '../runtime/rendezvous/instances.ts';
import { hasEnded, listening } from '../runtime/rendezvous/process-state.ts';
import { removeInstance, removeSidecar, sidecarOf } from '../runtime/rendezvous/sidecar.ts';
import type { KnownInstance } from '../runtime/rendezvous/status.ts';
import type { EndReason } from '../machines/pool.ts';
import type { ServerStats } from '../runtime/types.ts';
import { isMissing } from '../runtime/client.ts';
import { askControl, instanceOrEnding, linesOf, livingAt, socketPath } from './ask.ts';
import { cutOff, isCutOff, notProved, notStopped } from './stop-errors.ts';
import type { Stopped, StopOptions } from './types.ts';

const DEFAULT_TIMEOUT = 30_000;
/** How long a process may take to be gone after SIGKILL, and its directory when it has said that it ended, in milliseconds. */
const AFTER_SIGNAL = 5_000;
/** How often to look whether it is gone, in milliseconds. */
const STEP = 10;
/** How long its socket may stay when its process is gone, in milliseconds. */
const AFTER_PROCESS = 1_000;
const LOCK_TIMEOUT = 5_000;

/** A server that is to stop. */
interface Target extends KnownInstance {
  /** As it was given. */
  readonly path: string;
  /** Where its socket stands, or stood. */
  readonly absolute: string;
}

/** As `stop` of src/index.ts, which says it all. */
export async function stop(path: string, options: StopOptions = {}): Promise<Stopped> {
  const { signal } = options;
  const timeout = time('timeout', options.timeout ?? DEFAULT_TIMEOUT);
  const drainTimeout =
    options.drainTimeout === undefined ? undefined : time('drainTimeout', options.drainTimeout);
  const absolute = socketPath(path);
  const found = await instanceOrEnding(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    return undefined;
  });
  if (found === undefined) {
    // What does not say whose it is may be another user's, or where nothing can be written.
    await cleanUp(absolute, { lockTimeout: LOCK_TIMEOUT }).catch(() => undefined);
    return outcome(undefined, { wasRunning: false });
  }
  const target = { ...found, path, absolute };
  if (isDeadInstance(target, target.owns)) {
    // A socket that a killed server left is in nobody's way, but it misleads.
    await cleanUpAfter(target);
    return outcome(target, { wasRunning: false });
  }
  const deadline = performance.now() + (timeout === 0 ? Number.POSITIVE_INFINITY : timeout);
  try {
    return outcome(target, await stopPolitely(target, { drainTimeout, timeout, deadline, signal }));
  } catch (error) {
    if (signal?.aborted === true) throw aborted(path, signal);
    if (await hasEndedAllTheSame(target, error, deadline)) {
      await cleanUpAfter(target);
      return outcome(target);
    }
    if (options.force !== true) throw await notStopped(target, timeout, error);
    return outcome(target, { killedBy: await kill(target, timeout, error) });
  }
}

function outcome(target: Target | undefined, what: Partial<Stopped> = {}): Stopped {
  return {
    wasRunning: true,
    pid: target?.status.pid,
    ended: undefined,
    killedBy: undefined,
    aborted: 0,
    draining: target === undefined ? [] : before(target).map(({ status }) => status.pid),
    ...what,
  };
}

/** The servers that had its path before, and have not ended. */
function before({ absolute, directory, status: { startedAt } }: Target): KnownInstance[] {
  return livingAt(absolute).filter(
    (other) => other.directory !== directory && !other.owns && other.status.startedAt <= startedAt,
  );
}

/** Tells it to stop, and waits until it has, and has removed what stood beside its socket. */
async function stopPolitely(
  target: Target,
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
): Promise<Pick<Stopped, 'ended' | 'aborted'>> {
  const answer = await askControl(target.status, 'stop', drainTimeout === undefined ? {} : { drainTimeout }, {
    timeout,
    deadline: timeout,
    ...(signal === undefined ? undefined : { signal }),
  });
  let last: { ended?: EndReason; stats?: ServerStats } = {};
  for await (const line of linesOf(answer, target.path)) last = line;
  const { ended, stats } = last;
  if (ended === undefined) throw cutOff(target.path);
  await left(target, Math.min(deadline, performance.now() + AFTER_SIGNAL));
  return { ended, aborted: stats?.ended.aborted ?? 0 };
}

/** Waits until nothing of it stands beside the socket, and removes what it can't: its directory may have been renamed. */
async function left(target: Target, deadline: number): Promise<void> {
  while (isListed(target)) {
    if (isDeadInstance(target)) return cleanUpAfter(target);
    if (performance.now() >= deadline) return;
    await sleep(STEP);
  }
  // The server does so as well, but after what is waited for.
  removeSidecar(sidecarOf(target.absolute));
}

/** Whether it has ended all the same: as it was asked, or while it answered, it was at its end, or was killed. */
async function hasEndedAllTheSame(target: Target, error: unknown, deadline: number): Promise<boolean> {
  // What is killed lets go of its connections a moment before it is gone.
  const patience = isCutOff(error) ? AFTER_SIGNAL : 0;
  const until = Math.min(deadline, performance.now() + patience);
  while (!isOver(target)) {
    if (performance.now() >= until) return false;
    await sleep(STEP);
  }
  return true;
}

/** That it is not written down any more proves nothing where it listens: its directory was removed, or renamed meanwhile. */
function isOver(target: Target): boolean {
  if (isDeadInstance(target)) return true;
  return !isListed(target) && !isProvedInstance(target, target.absolute);
}

function isListed({ absolute, status: { pid, startedAt } }: Target): boolean {
  return instancesAt(absolute).some(({ status }) => status?.pid === pid && status.startedAt === startedAt);
}

async function kill(target: Target, timeout: number, why: unknown): Promise<'SIGTERM' | 'SIGKILL'> {
  const { pid, control } = target.status;
  // Who can be asked has been, and has had its time.
  const signals = control === null ? (['SIGTERM', 'SIGKILL'] as const) : (['SIGKILL'] as const);
  for (const signal of signals) {
    if (!isProvedInstance(target, target.absolute)) throw notProved(target.path, target.status);
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errnoOf(error) === 'EPERM') throw await notStopped(target, timeout, error);
      // It has ended in this instant.
    }
    const deadline = performance.now() + (signal === 'SIGTERM' ? timeout : AFTER_SIGNAL);
    while (performance.now() < deadline && !hasEnded(target.status)) await sleep(STEP);
    if (!hasEnded(target.status)) continue;
    await cleanUpAfter(target);
    return signal;
  }
  throw await notStopped(target, timeout, why);
}

/** Removes what it left. The first of its threads is a zombie a moment before the last one lets the socket go. */
async function cleanUpAfter({ absolute, directory, status }: Target): Promise<void> {
  const deadline = performance.now() + AFTER_PROCESS;
  while (isBound(status.boundAs) && performance.now() < deadline) await sleep(STEP);
  try {
    removeInstance(directory);
  } catch {
    // It is removed already, or is left for the next sweep.
  }
  if (isHandedIn(status)) removeSidecar(sidecarOf(absolute));
  else await cleanUp(absolute, { lockTimeout: LOCK_TIMEOUT });
}

function isBound(name: string): boolean {
  try {
    return listening().some((socket) => socket.name === name);
  } catch {
    // Linux alone tells.
    return false;
  }
}
