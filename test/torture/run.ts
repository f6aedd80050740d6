/** Drives a run: starts the processes, watches the paths, and puts an end to all of it. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { allGone, killSome, leaveStart, leftOvers, stopAll } from './aftermath.ts';
import { EntryFile, now, readEntries, type Entry, type Tell } from './entries.ts';
import { descriptors, marked, zombies } from './processes.ts';
import { randomOf } from './random.ts';
import { judge, type Violation } from './rules.ts';
import { ACTOR, LOGS, makeSetting, MARK, type Part, type Setting } from './setting.ts';
import { tellProgress, watchPaths } from './watch.ts';

export interface RunOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly processes: number;
  /** Keeps the log of a run in which nothing was wrong, too. */
  readonly keep?: boolean;
  /** Is told every few seconds how it goes. */
  readonly onProgress?: (line: string) => void;
}

export interface Result {
  readonly violations: readonly Violation[];
  readonly entries: readonly Entry[];
  /** Where it all stands; removed where nothing was wrong. */
  readonly directory: string;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** How long the processes have left for their last actions, in milliseconds. */
const LAST_ACTIONS = 90_000;
/** Descriptors that Node.js opens once, for signals, children and the like. */
const OPENED_ONCE = 4;

export async function run(options: RunOptions): Promise<Result> {
  const setting = makeSetting();
  const file = new EntryFile(setting.logs, 'driver');
  const mark = `${process.pid}-${options.seed}`;
  const wrong = (rule: string, what: string) => file.add({ kind: 'wrong', at: now(), rule, what });
  const before = descriptors();
  const actors = startActors(setting, options, mark);
  const endAll = () => killMarked(mark);
  process.once('exit', endAll);
  const interrupted = () => process.exit(1);
  for (const signal of SIGNALS) process.once(signal, interrupted);
  const watching = new AbortController();
  const watchers = [watchPaths(setting.places, file, wrong, watching.signal)];
  if (options.onProgress !== undefined)
    watchers.push(tellProgress(setting.logs, options.onProgress, watching.signal));
  try {
    for (const actor of actors)
      if (!(await saysDone(actor, options.seconds * 1_000 + LAST_ACTIONS)))
        wrong('every action ends', `process ${actor.pid} has not come to its end`);
    watching.abort();
    await Promise.all(watchers);
    for (const { path } of setting.places) {
      killSome(path, mark, randomOf(options.seed + 999), file);
      await stopAll(path, wrong);
      await leaveStart(path, mark);
      await stopAll(path, wrong);
    }
    await allGone(setting.places, actors, mark, wrong);
    for (const { path } of setting.places) leftOvers(path, wrong);
    await Promise.all(actors.map((actor) => dismiss(actor, wrong)));
  } finally {
    watching.abort();
    endAll();
    process.off('exit', endAll);
    for (const signal of SIGNALS) process.off(signal, interrupted);
  }
  for (const zombie of zombies()) wrong('no zombie', `process ${zombie} was not waited for`);
  file.close();
  const after = descriptors() + 1;
  const entries = readEntries(setting.logs);
  const leak = after - before > OPENED_ONCE ? [`${before} before, ${after} after: the driver`] : [];
  const violations: Violation[] = [
    ...judge(entries).violations,
    ...[...leak, ...leaksOf(entries)].map(leaked),
  ];
  if (violations.length === 0 && options.keep !== true)
    rmSync(setting.directory, { recursive: true, force: true });
  return { violations, entries, directory: setting.directory };
}

function startActors(
  { directory, logs, places }: Setting,
  { seconds, seed, processes }: RunOptions,
  mark: string,
): ChildProcess[] {
  const until = now() + seconds * 1_000;
  return Array.from({ length: processes }, (_, index) => {
    const part: Part = {
      name: String(index),
      seed: seed + index * 1_000,
      until,
      directory,
      logs,
      places,
    };
    return fork(ACTOR, [JSON.stringify(part)], {
      execArgv: [],
      env: {
        ...process.env,
        [MARK]: mark,
        [LOGS]: logs,
        NODE_COMPILE_CACHE: join(directory, 'compiled'),
      },
    });
  });
}

async function saysDone(actor: ChildProcess, limit: number): Promise<boolean> {
  const timer = new AbortController();
  const done = once(actor, 'message').then(() => true);
  const gone = once(actor, 'exit').then(() => false);
  const late = sleep(limit, false, { signal: timer.signal }).catch(() => false);
  const outcome = await Promise.race([done, gone, late]);
  timer.abort();
  return outcome;
}

/** The process leaves, when nothing that it has started runs any more. */
async function dismiss(actor: ChildProcess, wrong: Tell): Promise<void> {
  if (actor.exitCode !== null || actor.signalCode !== null) return;
  const gone = once(actor, 'exit');
  actor.send('leave', () => undefined);
  const timer = setTimeout(() => actor.kill('SIGKILL'), 10_000);
  const [code, signal] = await gone;
  clearTimeout(timer);
  if (code !== 0) wrong('no process is left', `the acting process ${actor.pid} ended with ${code ?? signal}`);
}

/** Acting processes that have more descriptors at their end than at their beginning. */
function leaksOf(entries: readonly Entry[]): string[] {
  const ran = entries.filter((entry) => entry.kind === 'process');
  return [...Map.groupBy(ran, ({ pid }) => pid).values()].flatMap(([begin, last]) =>
    begin !== undefined && last !== undefined && last.descriptors - begin.descriptors > OPENED_ONCE
      ? [`${begin.descriptors} before, ${last.descriptors} after: ${last.what}`]
      : [],
  );
}

function leaked(what: string): Violation {
  const rule = 'descriptors are given back';
  return { rule, what, entry: { kind: 'wrong', at: now(), rule, what } };
}

function killMarked(mark: string): void {
  for (const pid of marked(mark)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
}

/** What the logs of detached servers say that is out of the ordinary. */
export function oddWords({ directory }: Pick<Result, 'directory'>): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.log(\.1)?$/u.test(name))
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
    .filter(
      (line) =>
        line !== '' &&
        !/Listening at|Stopped serving|SIGTERM: draining|Ended: |A server listens at/u.test(line),
    );
}
