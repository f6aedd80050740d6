import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import type { ExecutionContext } from 'ava';

import type { Order, Report } from './rendezvous-child.ts';

/** A process that starts and stops a server when it is told to. */
export interface Starter {
  readonly pid: number;
  /** What came of it; `killed` when the process was. */
  tell(order: Order): Promise<Report | { type: 'killed' }>;
}

/** A user that is nobody in particular. */
export const NOBODY = { uid: 65534, gid: 65534 };

export async function spawnStarter(
  t: ExecutionContext,
  options: { uid?: number; gid?: number } = {},
): Promise<Starter> {
  const script = fileURLToPath(new URL('rendezvous-child.ts', import.meta.url));
  const child = fork(script, { ...options, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  t.teardown(() => child.kill('SIGKILL'));
  const first = await next(child);
  if (first.type !== 'ready') throw new Error('the starter did not start');
  return {
    pid: child.pid!,
    tell(order) {
      child.send(order);
      return next(child);
    },
  };
}

async function next(child: ChildProcess): Promise<Report | { type: 'killed' }> {
  const over = new AbortController();
  const { signal } = over;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([report]) => report as Report),
      once(child, 'exit', { signal }).then(() => ({ type: 'killed' }) as const),
    ]);
  } finally {
    over.abort();
  }
}
