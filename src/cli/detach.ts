import { resolve } from 'node:path';
import type { Command, Option } from 'commander';
import type { StartOptions } from '../index.ts';
import { milliseconds } from './arguments.ts';
import { Failure, quote, say } from './messages.ts';
import { onInterrupt } from './stop-signals.ts';

/** What `--detach` and its companions say. */
export interface DetachFlags {
  readonly detach?: true;
  readonly ifNotRunning?: true;
  /** Of `serve` itself. */
  readonly takeover?: boolean;
  readonly detachTimeout?: number;
  readonly detachLog?: string;
  readonly detachCwd?: string;
}

/** For the one who starts the server, and nothing to the server itself. */
const COMPANIONS = ['ifNotRunning', 'detachTimeout', 'detachLog', 'detachCwd'] as const;
/** Options with a file, which is found from where it was typed. `-` is stdout. */
const FILES: ReadonlySet<string> = new Set(['module', 'events']);

export function addDetachOptions(command: Command): Command {
  rememberTyped(command);
  return command
    .option('--detach', 'start the server apart from this terminal, and return when it listens')
    .option('--if-not-running', 'with --detach: fine where a server listens already')
    .option('--detach-timeout <MS>', 'how long it may take until it listens (default: 10000)', milliseconds)
    .option('--detach-log <FILE>', 'where its output goes (default: PATH.log)')
    .option('--detach-cwd <DIR>', 'the directory that it runs in (default: /)');
}

/** Whether to detach. */
export function wantsDetached(flags: DetachFlags): boolean {
  if (flags.detach === true) {
    if (flags.takeover !== true || flags.ifNotRunning !== true) return true;
    throw new Failure(
      '--takeover replaces a server that listens, and --if-not-running leaves it: leave one of the two away.',
      2,
    );
  }
  if (COMPANIONS.every((name) => flags[name] === undefined)) return false;
  throw new Failure('--if-not-running and --detach-... are about a detached server: add --detach.', 2);
}

export interface DetachOptions {
  readonly ifNotRunning?: boolean | undefined;
  /** How long it may take until the server listens, in milliseconds. */
  readonly timeout?: number | undefined;
  readonly log?: string | undefined;
  readonly cwd?: string | undefined;
}

export function detachOptions(flags: DetachFlags): DetachOptions {
  const { ifNotRunning, detachTimeout: timeout, detachLog: log, detachCwd: cwd } = flags;
  return { ifNotRunning, timeout, log, cwd };
}

/**
 * What to type for the same command without `--detach`, wherever it is: its name, the path, and its options as they were
 * typed, with files from the root. The path comes first: the last option may take a value, and would take that.
 */
export function sameCommand(command: Command, path: string): string[] {
  const words = (typed.get(command) ?? []).flatMap(({ option, value }) => {
    const name = option.attributeName();
    if (name === 'detach' || (COMPANIONS as readonly string[]).includes(name)) return [];
    if (typeof value !== 'string') return [option.long as string];
    return [`${option.long}=${FILES.has(name) && value !== '-' ? resolve(value) : value}`];
  });
  return [command.name(), path, ...words];
}

/** The options of a command line, as they were typed: what the parser makes of them may be another unit. */
const typed = new WeakMap<Command, { option: Option; value: unknown }[]>();

function rememberTyped(command: Command): void {
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (args) => {
    const given: { option: Option; value: unknown }[] = [];
    typed.set(command, given);
    for (const option of command.options)
      command.on(`option:${option.name()}`, (value: unknown) => given.push({ option, value }));
    return parse(args);
  };
}

/**
 * Runs this program with `args`, a command's name and the `path` that it serves at and more, apart from this terminal, and
 * waits until that process listens there: also where it takes over from another. Says what came of it, and gives the exit
 * code.
 */
export async function detach(
  path: string,
  args: readonly string[],
  { ifNotRunning, timeout, log, cwd }: DetachOptions,
): Promise<number> {
  const [{ checkPlace, startInstance }, { absolutePath }, { ownProgram }] = await Promise.all([
    import('../start/instance.ts'),
    import('../start/absolute-path.ts'),
    import('../start/own-program.ts'),
  ]);
  const interrupt = new AbortController();
  onInterrupt((signal) => interrupt.abort(new Error(signal)));
  const absolute = absolutePath(path);
  const file = resolve(log ?? `${absolute}.log`);
  const options: StartOptions = {
    command: [...ownProgram(), ...args.with(1, absolute)],
    log: file,
    signal: interrupt.signal,
    ...(timeout === undefined ? undefined : { timeout }),
    ...(cwd === undefined ? undefined : { cwd }),
  };
  if (ifNotRunning === true) {
    const { start } = await import('../start/start.ts');
    const { started, pid } = await start(path, options);
    if (started) tell(path, pid, file);
    else say(`A server listens at ${quote(path)} already${pid === undefined ? '' : `, pid ${pid}`}.`);
    return 0;
  }
  checkPlace(path);
  const outcome = await startInstance(path, options);
  if (outcome.isUp) {
    tell(path, outcome.child.pid, file);
    return 0;
  }
  // It has said what there is to say, in this command's own words.
  if (outcome.said === '' || !outcome.hasEnded) throw outcome.error;
  process.stderr.write(`${outcome.said}\n`);
  return 1;
}

function tell(path: string, pid: number | undefined, log: string): void {
  say(
    `Listening at ${quote(path)}${pid === undefined ? '' : `, pid ${pid}`}; its output goes to ${quote(log)}.`,
  );
}
