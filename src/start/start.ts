import { monotonicMs } from '../runtime/builtins.ts';
import { isMissing } from '../runtime/client.ts';
import { SimpleIpcError } from '../runtime/errors.ts';
import { acquireLock, type Lock } from '../runtime/rendezvous/lock.ts';
import { pause, throwIfAborted } from '../runtime/rendezvous/wait.ts';
import { othersTooSlow } from './errors.ts';
import { interval, look, pidAt } from './look.ts';
import { planStart, type StartPlan } from './options.ts';
import { runUntilUp, type Goal, type Run } from './run.ts';
import type { StartOptions, StartResult } from '../runtime/types.ts';

/** How long a caller who found the lock held lets it be, in milliseconds: it is freed without a server only by a failure. */
const RETRY_MIN = 40;
const RETRY_SPREAD = 40;

/** The paths that a caller in this process takes the lock of, or has it. The others of them wait for it to come out. */
const startingHere = new Set<string>();

/** As `start` of src/index.ts, which says it all; `run` is for who has a process ready. */
export async function start(path: string, options: StartOptions, run?: Run): Promise<StartResult> {
  const plan = planStart(path, options);
  throwIfAborted(path, plan.signal);
  const lock = await lockUnlessUp(plan);
  if (lock === undefined) return { started: false, pid: pidAt(plan.absolute) };
  try {
    const goal: Goal = {
      lacking: () => look(plan, plan.signal),
      // One that ends well may have left the work to another, as daemons did.
      isLost: ({ exit }) => exit !== undefined && exit.code !== 0,
    };
    const outcome = await runUntilUp(plan, goal, run);
    if (!outcome.isUp) throw outcome.error;
    const { child } = outcome;
    return { started: true, pid: pidAt(plan.absolute) ?? (child.exit === undefined ? child.pid : undefined) };
  } finally {
    lock.release();
  }
}

/** The lock of who starts a server there; nothing as soon as somebody listens, and then it takes no lock. */
async function lockUnlessUp(plan: StartPlan): Promise<Pick<Lock, 'release'> | undefined> {
  let nextTry = 0;
  for (const since = monotonicMs(); ;) {
    if (await isUp(plan)) return undefined;
    if (monotonicMs() >= nextTry && !startingHere.has(plan.absolute)) {
      const lock = await tryLock(plan);
      if (lock !== undefined) return lock;
      nextTry = monotonicMs() + RETRY_MIN + Math.random() * RETRY_SPREAD;
      // The lock may have been given up for a server that had come, just before it was tried.
      continue;
    }
    if (monotonicMs() - since >= plan.timeout) throw othersTooSlow(plan);
    await pause(interval(since), plan.path, plan.signal);
  }
}

/** The lock, if it is free and nobody has come to listen meanwhile. */
async function tryLock(plan: StartPlan): Promise<Pick<Lock, 'release'> | undefined> {
  const { absolute, signal } = plan;
  startingHere.add(absolute);
  let lock: Lock | undefined;
  let isKept = false;
  try {
    lock = await acquireLock(absolute, { name: 'start', lockTimeout: 0, signal });
    isKept = !(await isUp(plan));
    if (!isKept) return undefined;
    const held = lock;
    return {
      release() {
        held.release();
        startingHere.delete(absolute);
      },
    };
  } catch (error) {
    if (error instanceof SimpleIpcError && error.code === 'SIMPLE_IPC_LOCKED') return undefined;
    throw error;
  } finally {
    if (!isKept) {
      lock?.release();
      startingHere.delete(absolute);
    }
  }
}

/** @throws {SimpleIpcError} Where neither somebody listens nor a start would help. */
async function isUp(plan: StartPlan): Promise<boolean> {
  const error = await look(plan, plan.signal);
  if (error !== undefined && !isMissing(error)) throw error;
  return error === undefined;
}
