/** Drives a run: starts the processes, watches the paths, and puts an end to all of it. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { probe, status, stop } from '../../src/index.ts';
import { instancesAt } from '../../src/runtime/rendezvous/instances.ts';
import { EntryFile, now, readEntries, type Entry } from './entries.ts';
import { commandOf, descriptors, isMarked, marked, zombies } from './processes.ts';
import { randomOf, type Random } from './random.ts';
import { judge, type Violation } from './rules.ts';
import { ACTOR, LOGS, makeSetting, MARK, type Part, type Place, type Setting } from './setting.ts';

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

/** From one look at a path to the next, in milliseconds; and to the next line of progress. */
const PROBE_INTERVAL = 20;
const PROGRESS_INTERVAL = 5_000;
/** How long the processes have left for their last actions, and servers to end: one looks after its path every 10 s. In milliseconds. */
const LAST_ACTIONS = 90_000;
const LAST_SERVERS = 30_000;
/** Descriptors that Node.js opens once, for signals, children and the like. */
const OPENED_ONCE = 6;

export async function run(options: RunOptions): Promise<Result> {
  const setting = makeSetting();
  const file = new EntryFile(setting.logs, 'driver');
  const mark = `${process.pid}-${options.seed}`;
  const wrong = (rule: string, what: string) => file.add({ kind: 'wrong', at: now(), rule, what });
  const before = descriptors();
  const actors = startActors(setting, options, mark);
  const endAll = () => killMarked(mark);
  process.once('exit', endAll);
  const watching = new AbortController();
  const watchers = [watchPaths(setting.places, file, wrong, watching.signal)];
  watchers.push(tellProgress(setting, options, watching.signal));
  try {
    for (const actor of actors)
      if (!(await saysDone(actor, options.seconds * 1_000 + LAST_ACTIONS)))
        wrong('every action ends', `process ${actor.pid} has not come to its end`);
    watching.abort();
    await Promise.all(watchers);
    for (const { path } of setting.places) {
      killSome(path, mark, randomOf(options.seed + 999), file);
      await stopAll(path, wrong);
    }
    await ended(setting, actors, mark, wrong);
    for (const { path } of setting.places) leftOvers(path, wrong);
    await Promise.all(actors.map((actor) => dismiss(actor, wrong)));
  } finally {
    watching.abort();
    endAll();
    process.off('exit', endAll);
  }
  for (const zombie of zombies()) wrong('no zombie', `process ${zombie} was not waited for`);
  file.close();
  const after = descriptors() + 1;
  const entries = readEntries(setting.logs);
  const leak = after - before > OPENED_ONCE ? [`${before} before, ${after} after: the driver`] : [];
  const violations: Violation[] = [...judge(entries).violations, ...[...leak, ...leaksOf(entries)].map(leaked)];
  if (violations.length === 0 && options.keep !== true) rmSync(setting.directory, { recursive: true, force: true });
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

type Tell = (rule: string, what: string) => void;

/** Looks whether somebody listens, and who. A path with idle exits is left alone. */
async function watchPaths(
  places: readonly Place[],
  file: EntryFile,
  wrong: Tell,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const { path, isIdle } of places) {
      if (isIdle) continue;
      const at = now();
      const { state, errno } = await probe(path);
      if (state !== 'listening')
        file.add({ kind: 'probe', at, end: now(), by: 'driver', path, outcome: `${state} (${errno})` });
      await lookAt(path, file);
      try {
        const owners = instancesAt(path).filter(({ owns }) => owns);
        if (owners.length > 1)
          wrong('one server owns a path', owners.map(({ directory }) => directory).join(', '));
      } catch (error) {
        wrong('instances can be read', String(error));
      }
    }
    await sleep(PROBE_INTERVAL);
  }
}

/** What a look at the server itself says: it must not be mistaken while servers come and go. */
async function lookAt(path: string, file: EntryFile): Promise<void> {
  const at = now();
  const about = { kind: 'status', by: 'driver', at, path } as const;
  try {
    const { pid, live, problem } = await status(path);
    const outcome = live === null ? 'silent' : 'ok';
    file.add({ ...about, end: now(), pid, outcome, ...(problem === null ? {} : { detail: problem }) });
  } catch (error) {
    const { code } = error as { code?: unknown };
    file.add({ ...about, end: now(), outcome: String(code ?? 'UNKNOWN'), detail: String(error) });
  }
}

async function tellProgress(
  { logs }: Setting,
  { onProgress }: RunOptions,
  signal: AbortSignal,
): Promise<void> {
  if (onProgress === undefined) return;
  const began = now();
  while (!signal.aborted) {
    await sleep(PROGRESS_INTERVAL, undefined, { signal }).catch(() => undefined);
    const counts = new Map<string, number>();
    for (const { kind, outcome } of readEntries(logs) as { kind: string; outcome?: string }[]) {
      if (kind === 'server' || kind === 'process') continue;
      const name = outcome === undefined || outcome === 'ok' ? kind : `${kind} not ok`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const all = [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
    onProgress(`${((now() - began) / 1_000).toFixed(0)} s: ${all}`);
  }
}

/** Kills one or another that serves or drains: what is left of them is for the stop that follows. */
function killSome(path: string, mark: string, random: Random, file: EntryFile): void {
  for (const { status: found } of instancesAt(path)) {
    if (found === undefined || !isMarked(found.pid, mark) || random.chance(0.6)) continue;
    const at = now();
    const about = { at, by: 'driver', path, pid: found.pid, startedAt: found.startedAt } as const;
    process.kill(found.pid, 'SIGKILL');
    file.add({ kind: 'end', manner: 'kill', ...about, end: now() + 1_000, outcome: 'ok' });
  }
}

/** Stops whoever is at the path, until nobody is. */
async function stopAll(path: string, wrong: Tell): Promise<void> {
  try {
    for (let tries = 0; tries < 10; tries++) if (!(await stop(path)).wasRunning) return;
    wrong('a stop succeeds', `somebody is still at ${path}`);
  } catch (error) {
    wrong('a stop succeeds', `the last one at ${path} failed: ${String(error)}`);
  }
}

/** Waits for those that were on their way out: they drain, or have yet to see that the path is theirs no more. */
async function ended(
  { places }: Setting,
  actors: readonly ChildProcess[],
  mark: string,
  wrong: Tell,
): Promise<void> {
  const pids = new Set(actors.map(({ pid }) => pid));
  const left = () => marked(mark).filter((pid) => !pids.has(pid));
  const until = now() + LAST_SERVERS;
  while (left().length > 0 && now() < until) await sleep(50);
  for (const pid of left()) {
    const at = places.filter(({ path }) => instancesAt(path).some(({ status }) => status?.pid === pid));
    wrong('no process is left', `${pid} (${commandOf(pid)}) runs, with instances at ${at.map(({ path }) => path).join()}`);
  }
}

function leftOvers(path: string, wrong: Tell): void {
  const names = readdirSync(dirname(path)).filter((name) => !/\.log(\.1)?$/u.test(name));
  for (const name of names) {
    const file = join(dirname(path), name);
    wrong('nothing is left but logs', `${file}${contents(file)}`);
  }
}

function contents(file: string): string {
  try {
    return ` (${readdirSync(file, { recursive: true }).join(', ')})`;
  } catch {
    return '';
  }
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
    .filter((line) => line !== '' && !/Listening at|Stopped serving|SIGTERM: draining|Ended: |A server listens at/u.test(line));
}
