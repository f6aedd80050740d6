/** The processes of a run, as the system sees them. Linux alone shows all of it. */
import { readdirSync, readFileSync } from 'node:fs';

import { processStat } from '../../src/runtime/proc.ts';
import { MARK } from './setting.ts';

export const SHOWS_PROCESSES = process.platform === 'linux';

/** Those that have the mark of this run in their environment, but for this one. */
export function marked(mark: string): number[] {
  if (!SHOWS_PROCESSES) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isMarked(pid, mark));
}

/** Whether a process, that may be another by now, is of this run. One that has ended is not. */
export function isMarked(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${MARK}=${mark}`);
  } catch {
    return false;
  }
}

/** What it runs. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return '(gone)';
  }
}

/** The children of this process that have ended, and that it has not waited for. */
export function zombies(): number[] {
  if (!SHOWS_PROCESSES) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = processStat(pid);
      return stat?.state === 'Z' && stat.parent === process.pid;
    });
}

/** How many descriptors this process has open, but for the one that it reads that by. */
export function descriptors(): number {
  return SHOWS_PROCESSES ? readdirSync('/proc/self/fd').length - 1 : 0;
}
