import { basename } from 'node:path';
import { invalidArgument } from './errors.ts';
import type { ServerIdentity } from './rendezvous/publish.ts';
import type { RequestOptions, ServeOptions } from './types.ts';

/** `serve`'s defaults; types.ts says what each means. */
export const SERVE_DEFAULTS = {
  // A handler that waits for something costs little; one that computes is alone on its thread in any case.
  concurrency: 256,
  // At about 6 KB each, 60 MB; and below the usual limit of descriptors where that was raised at all.
  maxConnections: 10_000,
  window: 2 ** 20,
  maxBufferedBytes: 256 * 2 ** 20,
  maxRequestBytes: Number.POSITIVE_INFINITY,
  readTimeout: 60_000,
  writeTimeout: 60_000,
  drainTimeout: 10_000,
  pathCheckInterval: 10_000,
  lockTimeout: 5_000,
  idleTimeout: 0,
} as const satisfies ServeOptions;

/** `request`'s defaults. */
export const REQUEST_DEFAULTS = {
  timeout: 60_000,
  deadline: 0,
} as const satisfies RequestOptions;

/** What `waitIfBusy: true` and `waitIfMissing: true` stand for, in milliseconds: git's CONNECT_TIMEOUT_MS. */
export const DEFAULT_WAIT = 1_000;

/** setTimeout's longest delay: a longer one would fire at once. */
const LONGEST_TIME = 2 ** 31 - 1;

export type ServeLimits = { readonly [Key in keyof typeof SERVE_DEFAULTS]: number };

/** The limits of a server, each checked. */
export function serveLimits(options: ServeOptions): ServeLimits {
  const given = { ...SERVE_DEFAULTS, ...defined(options) };
  return {
    concurrency: count('concurrency', given.concurrency, 1),
    maxConnections: count('maxConnections', given.maxConnections, 1),
    window: count('window', given.window, 1),
    maxBufferedBytes: count('maxBufferedBytes', given.maxBufferedBytes, 1),
    maxRequestBytes: count('maxRequestBytes', given.maxRequestBytes, 0),
    readTimeout: time('readTimeout', given.readTimeout),
    writeTimeout: time('writeTimeout', given.writeTimeout),
    drainTimeout: time('drainTimeout', given.drainTimeout),
    pathCheckInterval: time('pathCheckInterval', given.pathCheckInterval),
    lockTimeout: time('lockTimeout', given.lockTimeout),
    idleTimeout: time('idleTimeout', given.idleTimeout),
  };
}

/** The longest name of a program, or of a version, in characters. */
const LONGEST_NAME = 256;

/** Who a server says it is, checked. */
export function identityOf({
  program,
  version,
  pathCheckInterval,
}: ServeOptions): Omit<ServerIdentity, 'log'> {
  return {
    program: program === undefined ? ownName() : identifier('program', program),
    version: version === undefined ? null : identifier('version', version),
    pathCheckInterval: pathCheckInterval ?? SERVE_DEFAULTS.pathCheckInterval,
  };
}

function ownName(): string {
  return basename(process.argv[1] ?? 'node').replace(/\.[cm]?[jt]s$/u, '') || 'node';
}

function identifier(what: string, value: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME) return value;
  throw invalidArgument(`${what} is ${shown(value)}: give a name of 1 to ${LONGEST_NAME} characters.`);
}

export interface RequestLimits {
  readonly timeout: number;
  readonly deadline: number;
  readonly waitIfBusy: number;
  readonly waitIfMissing: number;
}

/** The limits of a request, each checked. */
export function requestLimits(options: RequestOptions): RequestLimits {
  return {
    timeout: time('timeout', options.timeout ?? REQUEST_DEFAULTS.timeout),
    deadline: time('deadline', options.deadline ?? REQUEST_DEFAULTS.deadline),
    waitIfBusy: wait('waitIfBusy', options.waitIfBusy),
    waitIfMissing: wait('waitIfMissing', options.waitIfMissing),
  };
}

function defined(options: ServeOptions): Record<string, number> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function count(name: string, value: number, least: number): number {
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= least)) return value;
  throw invalidArgument(`${name} is ${shown(value)}: give a whole number from ${least} on, or Infinity.`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `the string '${value}'` : String(value);
}

/** Checks a time in milliseconds. */
export function time(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && value <= LONGEST_TIME) return value;
  throw invalidArgument(`${name} is ${shown(value)}: give milliseconds, 0 to ${LONGEST_TIME}.`);
}

/** Checks a descriptor. */
export function descriptor(fd: number): number {
  if (Number.isSafeInteger(fd) && fd >= 0) return fd;
  throw invalidArgument(`fd is ${shown(fd)}: give the number of a descriptor that listens.`);
}

function wait(name: string, value: boolean | number | undefined): number {
  if (value === undefined || value === false) return 0;
  return value === true ? DEFAULT_WAIT : time(name, value);
}
