import type { Stats } from 'node:fs';

import { reasonOf } from '../runtime/errors.ts';
import { fs } from '../runtime/builtins.ts';
import { LIMIT_VARIABLE, LOG_VARIABLE } from './variables.ts';

const {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} = fs;

/** The log that this process's own output goes to. */
export interface OwnLog {
  readonly file: string;
  /** No longer looks after its length. */
  stop(): void;
}

/** How often to look how long the log is, in milliseconds. */
const INTERVAL = 10_000;
/** So many times its limit a log is cut though its end could not be kept: to fill the disk is worse. */
const PATIENCE = 4;
const {
  O_RDONLY,
  O_WRONLY,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW = 0,
} = constants as Partial<typeof constants> & typeof constants;

const taken = new WeakMap<NodeJS.ProcessEnv, OwnLog | undefined>();

/**
 * Keeps the log of this process short, if it was started on demand or detached and its stdout or stderr still is that
 * log: where it has grown beyond the limit, the last of it, as much as the limit, becomes `<log>.1`, and it begins
 * anew. Where that cannot be, it grows on to four times the limit, and begins anew with a line that says why. What a process
 * writes between the two is lost; this one writes nothing then. The variables are taken out of the
 * environment, since what this process starts has its output elsewhere. Asked again, it gives the same.
 */
export function limitOwnLog(
  environment: NodeJS.ProcessEnv = process.env,
  { interval = INTERVAL }: { interval?: number } = {},
): OwnLog | undefined {
  if (!taken.has(environment)) taken.set(environment, take(environment, interval));
  return taken.get(environment);
}

function take(environment: NodeJS.ProcessEnv, interval: number): OwnLog | undefined {
  const { [LOG_VARIABLE]: file, [LIMIT_VARIABLE]: limit } = environment;
  delete environment[LOG_VARIABLE];
  delete environment[LIMIT_VARIABLE];
  if (file === undefined || ownDescriptor(file) === undefined) return undefined;
  const bytes = Number(limit);
  if (!Number.isSafeInteger(bytes) || bytes < 1) return { file, stop() {} };
  const timer = setInterval(() => limitNow(file, bytes), interval).unref();
  return { file, stop: () => clearInterval(timer) };
}

/** The descriptor of stdout or stderr that is the file of that name; none once that was moved, or is another. */
function ownDescriptor(file: string): number | undefined {
  try {
    const there = lstatSync(file);
    return [1, 2].find((descriptor) => there.isFile() && isSameFile(fstatSync(descriptor), there));
  } catch {
    return undefined;
  }
}

function isSameFile(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

function limitNow(file: string, limit: number): void {
  const descriptor = ownDescriptor(file);
  if (descriptor === undefined) return;
  try {
    const { size } = fstatSync(descriptor);
    if (size <= limit) return;
    const problem = keepEnd(file, size, limit);
    if (problem !== undefined && size <= PATIENCE * limit) return;
    // Who appends goes on at the new end. By its name, since Windows lets no descriptor that appends be cut.
    truncateSync(file);
    if (problem !== undefined) writeSync(descriptor, problem);
  } catch {
    // It is tried again; a log is no reason to stop serving.
  }
}

/** Copies the last `limit` bytes; says what kept it from that. */
function keepEnd(file: string, size: number, limit: number): string | undefined {
  const aside = `${file}.1`;
  // What stands there may be anything: a FIFO would hold this process up, and a file of others is not to be written.
  const fresh = `${aside}~`;
  try {
    const end = readEnd(file, size, limit);
    rmSync(fresh, { force: true });
    const writing = openSync(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      writeFileSync(writing, end);
    } finally {
      closeSync(writing);
    }
    renameSync(fresh, aside);
    return undefined;
  } catch (error) {
    removeIfThere(fresh);
    return `simple-ipc: this log was longer than ${limit} bytes, and could not be set aside as ${aside}: ${reasonOf(error)}\n`;
  }
}

function removeIfThere(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // It is no file: that is why it failed.
  }
}

function readEnd(file: string, size: number, limit: number): Buffer {
  const reading = openSync(file, O_RDONLY | O_NOFOLLOW);
  try {
    const buffer = Buffer.alloc(limit);
    return buffer.subarray(0, readSync(reading, buffer, 0, limit, size - limit));
  } finally {
    closeSync(reading);
  }
}
