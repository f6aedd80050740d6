/** Servers that are started on demand in tests: their command, their pids, their end. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { ExecutionContext } from 'ava';

import { processStat } from '../../src/runtime/proc.ts';
import { eventually } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';

const CHILD = fileURLToPath(new URL('server-child.ts', import.meta.url));
export const CALLER = fileURLToPath(new URL('caller-child.ts', import.meta.url));

export interface Started {
  readonly path: string;
  /** The command of a server there: see server-child.ts. */
  command(what?: string, more?: string): string[];
  /** The pids of all processes that were started for it so far. */
  pids(): number[];
  /** Resolves when none of them runs. */
  allGone(): Promise<void>;
}

/** A path, and servers there that end with the test. */
export function serversAt(t: ExecutionContext, path: string = temporaryPath(t)): Started {
  const pids = () =>
    existsSync(`${path}.pids`)
      ? readFileSync(`${path}.pids`, 'utf8').trim().split('\n').filter(Boolean).map(Number)
      : [];
  t.teardown(() => {
    for (const pid of pids().filter(isRunning)) process.kill(pid, 'SIGKILL');
  });
  return {
    path,
    command: (what = 'serve', more = '') => [process.execPath, CHILD, path, what, more],
    pids,
    allGone: () => eventually(() => !pids().some(isRunning), `the end of ${pids().join(', ')}`),
  };
}

/**
 * Whether it runs. Of a process that was killed the first thread may be a zombie while others still end, and until the
 * last has ended its socket listens.
 */
export function isRunning(pid: number): boolean {
  if (process.platform === 'linux') {
    const stat = processStat(pid);
    return stat !== undefined && (stat.threads > 1 || !['Z', 'X'].includes(stat.state));
  }
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
