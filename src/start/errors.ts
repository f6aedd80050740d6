/** What goes wrong with the start of a server: each message, and what to do about it. */

import { isAbsolute, relative, resolve } from 'node:path';

import { errnoOf, reasonOf, SimpleIpcError } from '../runtime/errors.ts';
import { shell } from '../runtime/rendezvous/errors.ts';
import type { Exit } from './detached.ts';
import type { StartPlan } from './options.ts';
import { fs } from '../runtime/builtins.ts';

const { existsSync, statSync } = fs;

/** As much of a command as is shown, in characters. */
const SHOWN = 200;

export function cannotOpenLog(plan: StartPlan, cause: unknown): SimpleIpcError {
  return notStarted(
    plan,
    `its log ${shell(plan.log)} cannot be used (${reasonOf(cause)}). Give another log; /dev/null keeps nothing.`,
    cause,
  );
}

export function noDirectory(plan: StartPlan, cause: unknown): SimpleIpcError {
  return notStarted(
    plan,
    `its directory ${shell(plan.cwd)} cannot be entered (${reasonOf(cause)}). Make it, or give another cwd.`,
    cause,
  );
}

export function cannotRun(plan: StartPlan, cause: unknown): SimpleIpcError {
  return notStarted(
    plan,
    `${whyNotRun(plan.program, cause)}${quotesHint(plan, cause)} The command was: ${command(plan)}`,
    cause,
  );
}

function whyNotRun(program: string, cause: unknown): string {
  const what = shell(program);
  const hasPlace = isAbsolute(program);
  switch (errnoOf(cause)) {
    case 'ENOENT':
      if (!hasPlace) return `there is no program ${what} in PATH. Install it, or give its file.`;
      if (existsSync(program)) return `what ${what} names in its first line to be run by does not exist.`;
      return `there is no ${what}. Check the command.`;
    case 'EACCES':
      if (!hasPlace) return `the ${what} in PATH may not be run. Make it executable, or give another file.`;
      return `${what} may not be run. Is it a program? If so: chmod +x ${what}`;
    default:
      return `the system could not run ${what} (${reasonOf(cause)}).`;
  }
}

function quotesHint({ program, args }: StartPlan, cause: unknown): string {
  const isLine = args.length === 0 && /\s/u.test(relative(process.cwd(), program));
  return isLine && errnoOf(cause) === 'ENOENT' ? ' It is one word with spaces: leave the quotes away.' : '';
}

function notStarted(plan: StartPlan, why: string, cause: unknown): SimpleIpcError {
  return failed(plan, `The server at ${shell(plan.path)} was not started: ${why}`, cause);
}

export function exitedEarly(plan: StartPlan, exit: Exit, said: string): SimpleIpcError {
  return failed(
    plan,
    `The command that was to start the server at ${shell(plan.path)} ${how(exit)} before anybody listened there: ` +
      `${command(plan)}${placeHint(plan)}${words(plan, said)}`,
  );
}

export function neverListened(
  plan: StartPlan,
  {
    exit,
    isForced,
    said,
    last,
  }: { exit: Exit | undefined; isForced: boolean; said: string; last: SimpleIpcError | undefined },
): SimpleIpcError {
  const ran =
    exit === undefined
      ? `ran for ${plan.timeout} ms and was ended${isForced ? ' by force' : ''}, because`
      : `${how(exit)}, and within ${plan.timeout} ms`;
  const advice =
    exit === undefined
      ? 'It hangs, or listens elsewhere, or needs a larger timeout.'
      : 'If it has left something running in a session of its own, that runs on: look for it, and end it.';
  return failed(
    plan,
    `The command that was to start the server at ${shell(plan.path)} ${ran} nobody came to listen there: ` +
      `${command(plan)}${placeHint(plan)}${last === undefined ? '' : `\n${last.message}`}\n${advice}${words(plan, said)}`,
    last,
  );
}

export function othersTooSlow(plan: StartPlan): SimpleIpcError {
  return failed(
    plan,
    `Somebody else has been starting a server at ${shell(plan.path)} for more than ${plan.timeout} ms, and nobody listens there ` +
      'yet. Ask again, or give a larger timeout.',
  );
}

function how({ code, signal }: Exit): string {
  return code === null ? `was ended by ${signal ?? 'the system'}` : `exited with code ${code}`;
}

function command({ program, args }: StartPlan): string {
  const shown = [program, ...args].map(shell).join(' ');
  return shown.length > SHOWN ? `${shown.slice(0, SHOWN)} ...` : shown;
}

/** What is most often wrong with a command that works when it is typed. */
function placeHint({ args, cwd, isCwdDefault }: StartPlan): string {
  const file = args.find((word) => !isAbsolute(word) && !word.startsWith('-') && isFile(word));
  if (!isCwdDefault || file === undefined) return '';
  return `\nIt ran in ${cwd}, where ${shell(file)} is ${shell(resolve(cwd, file))}: give absolute paths, or a cwd.`;
}

/** A file of the caller's directory. */
function isFile(word: string): boolean {
  try {
    return statSync(word).isFile();
  } catch {
    return false;
  }
}

function words({ log }: StartPlan, said: string): string {
  if (said === '') return `\nIt said nothing; its log is ${shell(log)}`;
  return `\nIt said, in its log ${shell(log)}:\n${said.replace(/^/gmu, '  ')}`;
}

function failed(plan: StartPlan, message: string, cause?: unknown): SimpleIpcError {
  return new SimpleIpcError('SIMPLE_IPC_START_FAILED', message, {
    path: plan.path,
    ...(cause === undefined ? undefined : { cause }),
  });
}
