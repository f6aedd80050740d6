import { errnoOf, type SimpleIpcError } from '../runtime/errors.ts';
import { connectError } from '../runtime/rendezvous/connect-error.ts';
import { instanceAt } from '../runtime/rendezvous/instances.ts';
import { knock } from '../runtime/rendezvous/knock.ts';
import type { StartPlan } from './options.ts';
import { fs } from '../runtime/builtins.ts';

const { lstatSync } = fs;

/** How long a connect may take, in milliseconds. Only Windows, and a Unix that waits in `connect`, let it take any. */
const KNOCK_TIMEOUT = 1_000;

/** Nothing where somebody listens; else why nobody is known to. */
export async function look(plan: StartPlan, signal?: AbortSignal): Promise<SimpleIpcError | undefined> {
  const error =
    isNothingThere(plan.absolute) ?? (await knock(plan.absolute, { timeout: KNOCK_TIMEOUT, signal }));
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

/** The same as `connect` says, for far less: it is asked a few hundred times a second. A pipe has no file to look at. */
function isNothingThere(path: string): unknown {
  if (process.platform === 'win32') return undefined;
  try {
    lstatSync(path);
    return undefined;
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? error : undefined;
  }
}

/** Milliseconds from one look to the next: often while most servers come up, then less. */
export function interval(since: number): number {
  return performance.now() - since < 1_000 ? 5 : 25;
}

/** The process of the server at an absolute path, where it says which that is, and is to be believed. */
export function pidAt(absolute: string): number | undefined {
  try {
    return instanceAt(absolute)?.pid;
  } catch {
    return undefined;
  }
}
