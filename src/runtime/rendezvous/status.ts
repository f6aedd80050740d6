import { hostname } from 'node:os';
import { join } from 'node:path';

import { VERSION } from '../../version.ts';
import { reasonOf } from '../errors.ts';
import type { Identity } from './identity.ts';
import { bootId, pidNamespace, processStartTime } from './process-state.ts';
import { fs } from '../builtins.ts';

const { constants, lstatSync, readFileSync, renameSync, writeFileSync } = fs;

/**
 * What a server writes down of itself before its socket appears: `status.json` in its instance's directory. It says the
 * same when the process hangs or is gone, so whatever it says of a process has to be held against what is really there.
 */
export interface InstanceStatus {
  readonly format: 1;
  /** The absolute path of the socket. */
  readonly path: string;
  /** Which file the socket at the path is; nothing on Windows, where a pipe is no file. */
  readonly socket: SocketIdentity | null;
  /** The name that the socket was bound to. The kernel goes on showing it, in /proc/net/unix and to `ss`. */
  readonly boundAs: string;
  readonly pid: number;
  /** When the process was started, in the clock ticks of /proc/PID/stat: another process with its pid has another. */
  readonly processStartTime: string | null;
  readonly host: string;
  /** What else a pid depends on. Linux alone tells. */
  readonly bootId: string | null;
  readonly pidNamespace: string | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** What `serve` was told that it is. */
  readonly program: string;
  readonly version: string | null;
  /** This library and its Node.js. */
  readonly runtime: string;
  /** Where its control endpoint listens, if it has one. */
  readonly control: string | null;
  /** How often it looks whether the path is still its own, in milliseconds; 0: never. */
  readonly pathCheckInterval: number;
  /** Where its output goes, if it was started detached. */
  readonly log: string | null;
}

/** An `Identity` as JSON can hold it. */
export interface SocketIdentity {
  readonly dev: string;
  readonly ino: string;
  readonly birthtimeNs: string;
}

/** An instance's directory, and what it says. */
export interface FoundInstance {
  readonly directory: string;
  /** Its control socket is where it was found: the directory may have been renamed, or be mounted elsewhere here. */
  readonly status: InstanceStatus | undefined;
  /** Why there is no status. */
  readonly problem: string | undefined;
  /** The socket that stands at the path now is this instance's. */
  readonly owns: boolean;
}

/** One that has a status. */
export type KnownInstance = FoundInstance & { readonly status: InstanceStatus };

/** What a server says of itself; the rest is seen. */
export interface InstanceFacts {
  readonly path: string;
  readonly boundAs: string;
  readonly program: string;
  readonly version: string | null;
  readonly control: string | null;
  readonly pathCheckInterval: number;
  readonly log: string | null;
}

const NAME = 'status.json';
/** The longest status file that is believed, in bytes. A true one has about 700. */
const LONGEST = 65_536;
/** An instance's directory: the pid of its process, and a random part. */
const INSTANCE = /^(\d+)-\w{6}$/;

/** The pid in the name of an instance's directory; nothing where it is no such name. */
export function pidInName(name: string): number | undefined {
  const match = INSTANCE.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** The status of this process's server. */
export function statusOf(facts: InstanceFacts, socket: Identity | undefined): InstanceStatus {
  const status: InstanceStatus = {
    format: 1,
    ...facts,
    socket: socket === undefined ? null : identityToJson(socket),
    pid: process.pid,
    processStartTime: processStartTime(process.pid),
    host: hostname(),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    startedAt: Date.now(),
    runtime: `simple-ipc ${VERSION}, Node.js ${process.versions.node}`,
  };
  madeAt.set(status, performance.now());
  return status;
}

const madeAt = new WeakMap<InstanceStatus, number>();

/** How long ago `statusOf` made it, in milliseconds. The time of day, which `startedAt` is, may be set back meanwhile. */
export function ageOf(status: InstanceStatus): number {
  return performance.now() - (madeAt.get(status) ?? performance.now());
}

/** Writes it whole, or not at all. */
export function writeStatus(directory: string, status: InstanceStatus): void {
  const file = join(directory, NAME);
  writeFileSync(`${file}~`, `${JSON.stringify(status, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(`${file}~`, file);
}

/** The names of the files that `writeStatus` makes. */
export const STATUS_FILES: readonly string[] = [NAME, `${NAME}~`];

/** What an instance's directory says, or why it says nothing. */
export function readInstance(directory: string): Pick<FoundInstance, 'status' | 'problem'> {
  try {
    return { status: readStatus(directory), problem: undefined };
  } catch (error) {
    return { status: undefined, problem: reasonOf(error) };
  }
}

function readStatus(directory: string): InstanceStatus {
  const file = join(directory, NAME);
  const stats = lstatSync(file);
  if (!stats.isFile()) throw new Error(`${NAME} is no file`);
  if (stats.size > LONGEST) throw new Error(`${NAME} has ${stats.size} bytes, which no status has`);
  const text = readFileSync(file, {
    encoding: 'utf8',
    flag: constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0),
  });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error(`${NAME} is cut off, or no JSON`);
  }
  const wrong = faultIn(parsed);
  if (wrong !== undefined) throw new Error(`${NAME} is no status: ${wrong}`);
  return parsed as InstanceStatus;
}

const isText = (value: unknown) => typeof value === 'string';
const isTextOrNothing = (value: unknown) => value === null || isText(value);
/** The last time that a `Date` can be of. */
const LAST_DATE = 8.64e15;
const isTime = (value: unknown) => typeof value === 'number' && value >= 0 && value <= LAST_DATE;
const isSocketOrNothing = (value: unknown) =>
  value === null ||
  (typeof value === 'object' &&
    ['dev', 'ino', 'birthtimeNs'].every((key) =>
      /^-?\d+$/.test(String((value as Record<string, unknown>)[key])),
    ));

const FIELDS: { readonly [Field in keyof InstanceStatus]: (value: unknown) => boolean } = {
  format: (value) => value === 1,
  path: isText,
  socket: isSocketOrNothing,
  boundAs: isText,
  pid: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  processStartTime: isTextOrNothing,
  host: isText,
  bootId: isTextOrNothing,
  pidNamespace: isTextOrNothing,
  startedAt: isTime,
  program: isText,
  version: isTextOrNothing,
  runtime: isText,
  control: isTextOrNothing,
  pathCheckInterval: isTime,
  log: isTextOrNothing,
};

function faultIn(parsed: unknown): string | undefined {
  if (typeof parsed !== 'object' || parsed === null) return 'it is no object';
  const wrong = Object.entries(FIELDS).find(([key, fits]) => !fits((parsed as Record<string, unknown>)[key]));
  return wrong === undefined
    ? undefined
    : `its ${wrong[0]} is ${JSON.stringify((parsed as Record<string, unknown>)[wrong[0]])}`;
}

export function identityToJson({ dev, ino, birthtimeNs }: Identity): SocketIdentity {
  return { dev: String(dev), ino: String(ino), birthtimeNs: String(birthtimeNs) };
}
