/** Finds the daemon that a command has left behind: by a variable that nobody else has in their environment. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The variable, whose value names one repository of one run of the bench. */
export const MARK = 'SIMPLE_IPC_BENCH_FSMONITOR';

/** In milliseconds. */
const LOOK_AGAIN = 10;
const STOP_TIMEOUT = 5_000;

/** The processes with this mark. None where the system does not tell: only Linux does. */
export function marked(mark: string): number[] {
  const wanted = `${MARK}=${mark}`;
  return processes().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(wanted);
    } catch {
      // It has ended, or is somebody else's.
      return false;
    }
  });
}

/** Waits until those with this mark have ended by themselves, and ends those that have not within `timeout` milliseconds. */
export async function untilGone(mark: string, timeout = STOP_TIMEOUT): Promise<void> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const left = marked(mark);
    if (left.length === 0) return;
    if (performance.now() > deadline) for (const pid of left) killQuietly(pid);
    await delay(LOOK_AGAIN);
  }
}

function processes(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
