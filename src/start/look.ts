import { monotonicMs } from '../runtime/builtins.ts';
import { errnoOf, type SimpleIpcError } from '../runtime/errors.ts';
import { connectError } from '../runtime/rendezvous/connect-error.ts';
import { nothingAt } from '../runtime/rendezvous/endpoint.ts';
import { instanceAt } from '../runtime/rendezvous/instances.ts';
import { knock } from '../runtime/rendezvous/knock.ts';
import type { StartPlan } from './options.ts';

/** How long a connect may take, in milliseconds. Only Windows, and a Unix that waits in `connect`, let it take any. */
const KNOCK_TIMEOUT = 1_000;

/** Nothing where somebody listens; else why nobody is known to. */
export async function look(plan: StartPlan, signal?: AbortSignal): Promise<SimpleIpcError | undefined> {
  // It is asked a few hundred times a second.
  const error = nothingAt(plan.absolute) ?? (await knock(plan.absolute, { timeout: KNOCK_TIMEOUT, signal }));
  switch (errnoOf(error)) {
    case undefined:
    // Its backlog is full, or it takes its time: somebody is there.
    case 'EAGAIN':
    case 'EBUSY':
    case 'ETIMEDOUT':
      return undefined;
    default:
      return connectError(error, plan.path);
  }
}

/** Milliseconds from one look to the next: often while most servers come up, then less. */
export function interval(since: number): number {
  return monotonicMs() - since < 1_000 ? 2 : 25;
}

/** The process of the server at an absolute path, where it says which that is, and is to be believed. */
export function pidAt(absolute: string): number | undefined {
  try {
    return instanceAt(absolute)?.pid;
  } catch {
    return undefined;
  }
}
