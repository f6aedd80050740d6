import type { Stats } from 'node:fs';

import { kindOf } from '../runtime/rendezvous/errors.ts';
import { cannotOpenLog } from './errors.ts';
import type { StartPlan } from './options.ts';
import { fs } from '../runtime/builtins.ts';

const { closeSync, constants, fstatSync, lstatSync, openSync, readSync, renameSync } = fs;

/** The log of a server that is being started. */
export interface Log {
  readonly file: string;
  readonly descriptor: number;
  /** What was written to it since it was opened: its end, printable, and at most 4 KiB of it. */
  tail(): string;
  /** Closes this process's descriptor. */
  close(): void;
}

/** How much of a log goes into an error, in bytes. */
const TAIL = 4_096;

/** Windows has none of these flags. */
const {
  O_WRONLY,
  O_APPEND,
  O_CREAT,
  O_NOFOLLOW = 0,
  // A FIFO that nobody reads would hold up the whole process.
  O_NONBLOCK = 0,
  O_NOCTTY = 0,
} = constants as Partial<typeof constants> & typeof constants;

/**
 * Opens the log to be added to, and sets aside one that is longer than its limit.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_START_FAILED`.
 */
export function openLog(plan: StartPlan): Log {
  const { log: file } = plan;
  let descriptor: number | undefined;
  try {
    setAside(file, plan.logLimit);
    descriptor = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o600);
    const stats = fstatSync(descriptor);
    const fault = faultOf(stats);
    if (fault !== undefined) throw new Error(fault);
    return open(file, descriptor, stats);
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw cannotOpenLog(plan, error);
  }
}

function setAside(file: string, limit: number): void {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats?.isFile() === true && stats.size > limit) renameSync(file, `${file}.1`);
}

/** Who owns it reads what the server says, so it must be nobody else; `/dev/null` is everybody's. */
function faultOf(stats: Stats): string | undefined {
  if (stats.isCharacterDevice()) return undefined;
  if (!stats.isFile()) return `it is ${kindOf(stats)}`;
  const user = process.geteuid?.();
  if (user !== undefined && stats.uid !== user)
    return `it belongs to uid ${stats.uid}, not to this user (${user})`;
  return undefined;
}

function open(file: string, descriptor: number, { size, dev, ino }: Stats): Log {
  return {
    file,
    descriptor,
    tail() {
      try {
        const reading = openSync(file, constants.O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        try {
          const now = fstatSync(reading);
          if (!now.isFile() || now.dev !== dev || now.ino !== ino) return '';
          // Shorter than it was: its server has set the rest aside.
          return printable(readEnd(reading, now.size < size ? 0 : size, now.size));
        } finally {
          closeSync(reading);
        }
      } catch {
        return '';
      }
    },
    close: () => closeSync(descriptor),
  };
}

function readEnd(descriptor: number, from: number, to: number): string {
  const start = Math.max(from, to - TAIL);
  const buffer = Buffer.alloc(to - start);
  const text = buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, start));
  if (start === from) return text;
  // From the first line that is there whole.
  return text.slice(text.indexOf('\n') + 1);
}

/** Text from elsewhere, line by line, without anything that a terminal would obey. */
function printable(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- colours and the like
      .replace(/\u001B\[[0-?]*[ -/]*[@-~]/gu, '')
      .replace(/\r\n?/gu, '\n')
      // oxlint-disable-next-line no-control-regex -- these are what must not come through
      .replace(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u2028\u2029]+/gu, ' ')
      .trim()
  );
}
