import { monotonicMs } from '../runtime/builtins.ts';
import { isMissing } from '../runtime/client.ts';
import type { SimpleIpcError } from '../runtime/errors.ts';
import { pause } from '../runtime/rendezvous/wait.ts';
import { runDetached, type Detached } from './detached.ts';
import { exitedEarly, neverListened } from './errors.ts';
import { openLog } from './log.ts';
import { interval } from './look.ts';
import type { StartPlan } from './options.ts';

/** What came of a command. */
export type Outcome =
  | { readonly isUp: true; readonly child: Detached }
  | {
      readonly isUp: false;
      readonly error: SimpleIpcError;
      /** It ended by itself. */
      readonly hasEnded: boolean;
      /** What it said itself: the end of its output, printable. */
      readonly said: string;
    };

/** What is waited for. */
export interface Goal {
  /** What is wanting still; nothing: it is reached. */
  lacking(child: Detached): Promise<SimpleIpcError | undefined>;
  /** Whether it can't be reached any more. */
  isLost(child: Detached): boolean;
}

/** How the command of a plan is run. */
export type Run = typeof runDetached;

/**
 * Runs the command of a plan, and waits until the goal is reached. In any other end, what was started is ended as well.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_START_FAILED` where it cannot be run, `SIMPLE_IPC_ABORTED` by the plan's signal.
 */
export async function runUntilUp(plan: StartPlan, goal: Goal, run: Run = runDetached): Promise<Outcome> {
  const log = openLog(plan);
  let child: Detached | undefined;
  try {
    child = await run(plan, log);
    const last = await watch(plan, child, goal);
    if (last === 'up') {
      child.letGo();
      return { isUp: true, child };
    }
    const { exit } = child;
    const hasEnded = goal.isLost(child);
    const isForced = await child.end();
    const said = log.tail();
    const reason = isMissing(last) ? undefined : last;
    const error =
      hasEnded && exit !== undefined
        ? exitedEarly(plan, exit, said)
        : neverListened(plan, { exit, isForced, said, last: reason });
    return { isUp: false, error, hasEnded, said };
  } catch (error) {
    await child?.end();
    throw error;
  } finally {
    log.close();
  }
}

/** `up`, or what was wanting last. */
async function watch(plan: StartPlan, child: Detached, goal: Goal): Promise<'up' | SimpleIpcError> {
  for (const since = monotonicMs(); ;) {
    // Seen before the look: one that fails because another was faster leaves that one listening.
    const isLast = goal.isLost(child) || monotonicMs() - since >= plan.timeout;
    const last = await goal.lacking(child);
    if (last === undefined) return 'up';
    if (isLast) return last;
    if (child.exit !== undefined) child.runs();
    await pause(interval(since), plan.path, plan.signal);
  }
}
