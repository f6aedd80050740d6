/** What a process has used of the machine, from Linux' /proc. On other systems nobody tells, and all is undefined. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Processor time so far, in microseconds. */
export interface Cpu {
  /** Each thread's that is there, by its id. */
  readonly threads: ReadonlyMap<string, number>;
  readonly mainThread: number;
  /** Of all threads, those that have ended too, but in steps of 10 ms. */
  readonly coarse: number;
}

export interface CpuUsed {
  readonly all: number;
  readonly mainThread: number;
}

/** In hundredths of a second, on all of Linux' architectures: USER_HZ. */
const TICK = 10_000;
/** In milliseconds. */
const LOOK_AGAIN = 50;

export function cpuOf(pid: number): Cpu | undefined {
  return orUndefined(() => {
    const tasks = `/proc/${pid}/task`;
    const threads = new Map(readdirSync(tasks).map((id) => [id, ranFor(`${tasks}/${id}/schedstat`)]));
    // The name, in parentheses, may have spaces. After it, utime and stime are the 12th and 13th.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const coarse = (Number(fields[11]) + Number(fields[12])) * TICK;
    return { threads, mainThread: threads.get(String(pid))!, coarse };
  });
}

export function cpuBetween(before: Cpu | undefined, after: Cpu | undefined): CpuUsed | undefined {
  if (before === undefined || after === undefined) return undefined;
  const hasEnded = before.threads.keys().some((id) => !after.threads.has(id));
  let all = after.coarse - before.coarse;
  if (!hasEnded) {
    all = 0;
    for (const [id, ran] of after.threads) all += ran - (before.threads.get(id) ?? 0);
  }
  return { all, mainThread: after.mainThread - before.mainThread };
}

/** Resident memory, in bytes. */
export function residentOf(pid: number): number | undefined {
  return memoryOf(pid, 'VmRSS');
}

/** Watches for the most resident memory of a process. Gives the way to end that, and learn it. */
export function watchPeak(pid: number): () => number | undefined {
  if (resetPeak(pid)) return () => memoryOf(pid, 'VmHWM');
  let peak = residentOf(pid);
  const look = () => {
    const now = residentOf(pid);
    if (now !== undefined) peak = Math.max(peak ?? 0, now);
  };
  const timer = setInterval(look, LOOK_AGAIN);
  return () => {
    clearInterval(timer);
    look();
    return peak;
  };
}

/** Whether the kernel itself keeps the peak from now on, which misses nothing. Some do not permit it. */
function resetPeak(pid: number): boolean {
  return (
    orUndefined(() => {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
      return true;
    }) ?? false
  );
}

function memoryOf(pid: number, name: 'VmRSS' | 'VmHWM'): number | undefined {
  return orUndefined(() => {
    const [, kilobytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(
      readFileSync(`/proc/${pid}/status`, 'utf8'),
    )!;
    return Number(kilobytes) * 1_024;
  });
}

/** The first field is how long it ran, in nanoseconds. */
function ranFor(schedstat: string): number {
  return Number(readFileSync(schedstat, 'utf8').split(' ')[0]) / 1_000;
}

/** What cannot be read is not known: another system, or the process has ended. */
function orUndefined<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
