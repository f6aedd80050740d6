import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import type { ExecutionContext } from 'ava';

import type { Order, Report } from './rendezvous-child.ts';

const CHILD = fileURLToPath(new URL('rendezvous-child.ts', import.meta.url));

/** A process that starts and stops a server when it is told to. */
export interface Starter {
  readonly pid: number;
  /** What came of it; `killed` when the process was. */
  tell(order: Order): Promise<Report | { type: 'killed' }>;
}

/** A user that is nobody in particular. */
const NOBODY = { uid: 65534, gid: 65534 };

/**
 * The user to run a process as whose rights end somewhere: this one, or for root, to whom nothing is denied, another.
 * `undefined`, with a note in the test's log, where that one cannot run it.
 */
export function withoutRights(t: ExecutionContext): { uid?: number; gid?: number } | undefined {
  if (process.geteuid?.() !== 0) return {};
  const check = ['-e', 'fs.accessSync(process.argv[1])', CHILD];
  if (spawnSync(process.execPath, check, NOBODY).status === 0) return NOBODY;
  t.log(`skipped: uid ${NOBODY.uid} cannot read this checkout, or run its Node`);
  return undefined;
}

export async function spawnStarter(
  t: ExecutionContext,
  options: { uid?: number; gid?: number } = {},
): Promise<Starter> {
  const child = fork(CHILD, { ...options, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
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
