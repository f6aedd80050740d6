import { resolve, win32 } from 'node:path';

import { invalidArgument } from '../runtime/errors.ts';
import { time } from '../runtime/options.ts';
import { resolveEndpoint } from '../runtime/rendezvous/endpoint.ts';
import type { StartOptions } from '../runtime/types.ts';

/** The defaults of `start`; types.ts says what each means. */
const DEFAULTS = { cwd: '/', logLimit: 2 ** 20, timeout: 10_000 } as const satisfies Partial<StartOptions>;

/** What is to be started, checked, and with all paths absolute. */
export interface StartPlan {
  /** As it was given, for messages. */
  readonly path: string;
  readonly absolute: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Nobody said where it is to run. */
  readonly isCwdDefault: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: string;
  readonly logLimit: number;
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT`.
 */
export function planStart(path: string, options: StartOptions): StartPlan {
  const { absolute } = resolveEndpoint(path);
  const [program, ...args] = commandOf(typeof options === 'string' ? options : options?.command);
  const { cwd = DEFAULTS.cwd, env = {}, log = `${absolute}.log`, signal } = options;
  return {
    path,
    absolute,
    program: hasSlash(program) ? resolve(program) : program,
    args,
    cwd: resolve(text('cwd', cwd)),
    isCwdDefault: options.cwd === undefined,
    env: variables(env),
    log: resolve(text('log', log)),
    logLimit: limit(options.logLimit ?? DEFAULTS.logLimit),
    timeout: positive('timeout', time('timeout', options.timeout ?? DEFAULTS.timeout)),
    signal,
  };
}

function commandOf(command: unknown): readonly [string, ...string[]] {
  if (typeof command === 'string') {
    const list = JSON.stringify(command.trim().split(/\s+/u));
    throw invalidArgument(
      `The command that starts a server is the string ${JSON.stringify(command)}, and no shell reads it: give a list, such as ${list}.`,
    );
  }
  const isCommand =
    Array.isArray(command) && command.every((word) => typeof word === 'string' && !word.includes('\0'));
  if (isCommand && command[0] !== undefined && command[0] !== '') return command as [string, ...string[]];
  throw invalidArgument(
    `The command that starts a server is ${JSON.stringify(command)}: give a list of strings without NUL, the program first.`,
  );
}

function hasSlash(program: string): boolean {
  return process.platform === 'win32' ? win32.basename(program) !== program : program.includes('/');
}

function text(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
  throw invalidArgument(`${name} is ${JSON.stringify(value)}: give a path.`);
}

function variables(env: unknown): Readonly<Record<string, string | undefined>> {
  const isFine =
    typeof env === 'object' &&
    env !== null &&
    Object.entries(env).every(
      ([key, value]) => key !== '' && !/[=\0]/.test(key) && (value === undefined || isValue(value)),
    );
  if (isFine) return env as Record<string, string | undefined>;
  throw invalidArgument('env has something that is no variable: give an object of strings without NUL.');
}

function isValue(value: unknown): boolean {
  return typeof value === 'string' && !value.includes('\0');
}

function limit(value: unknown): number {
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && (value as number) >= 1)) {
    return value as number;
  }
  throw invalidArgument(`logLimit is ${String(value)}: give a whole number of bytes from 1 on, or Infinity.`);
}

function positive(name: string, value: number): number {
  if (value > 0) return value;
  throw invalidArgument(`${name} is 0: a server takes some time to start, so give at least 1 ms.`);
}
