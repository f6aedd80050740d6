/** Puts an end to all servers of a run, and looks at what is left of them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stop } from '../../src/index.ts';
import { instancesAt } from '../../src/runtime/rendezvous/instances.ts';
import { sidecarOf } from '../../src/runtime/rendezvous/sidecar.ts';
import { now, type EntryFile, type Tell } from './entries.ts';
import { commandOf, isMarked, marked } from './processes.ts';
import type { Random } from './random.ts';
import { MAIN, MARK, type Place } from './setting.ts';

/** How long servers may take to end: one looks after its path every 10 s. And how often to look. In milliseconds. */
const LAST_SERVERS = 30_000;
const STEP = 200;

/** Kills one or another that serves or drains: what is left of them is for the stop that follows. */
export function killSome(path: string, mark: string, random: Random, file: EntryFile): void {
  for (const { status: found } of instancesAt(path)) {
    if (found === undefined || !isMarked(found.pid, mark) || random.chance(0.6)) continue;
    const at = now();
    const about = { at, by: 'driver', path, pid: found.pid, startedAt: found.startedAt } as const;
    try {
      process.kill(found.pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
    file.add({ kind: 'end', manner: 'kill', ...about, end: now() + 1_000, outcome: 'ok' });
  }
}

/** Kills a client that is starting a server, which then does not come: what that leaves is for the stop that follows. */
export async function leaveStart(path: string, mark: string): Promise<void> {
  const command = [process.execPath, '--eval', 'setTimeout(() => {}, 1_000)'];
  const client = spawn(process.execPath, [MAIN, 'send', path, '', '--start', '--', ...command], {
    stdio: 'ignore',
    env: { ...process.env, [MARK]: mark },
  });
  const gone = once(client, 'exit');
  const isStarting = () => existsSync(join(sidecarOf(path), 'start')) && existsSync(`${path}.log`);
  while (client.exitCode === null && !isStarting()) await sleep(5);
  client.kill('SIGKILL');
  await gone;
}

/** Stops whoever is at the path, until nobody is. */
export async function stopAll(path: string, wrong: Tell): Promise<void> {
  try {
    for (let tries = 0; tries < 10; tries++) if (!(await stop(path)).wasRunning) return;
    wrong('a stop succeeds', `somebody is still at ${path}`);
  } catch (error) {
    wrong('a stop succeeds', `the last one at ${path} failed: ${String(error)}`);
  }
}

/** Waits for those that were on their way out: they drain, or have yet to see that the path is theirs no more. */
export async function allGone(
  places: readonly Place[],
  actors: readonly ChildProcess[],
  mark: string,
  wrong: Tell,
): Promise<void> {
  const pids = new Set(actors.map(({ pid }) => pid));
  const left = () => marked(mark).filter((pid) => !pids.has(pid));
  const until = now() + LAST_SERVERS;
  while (left().length > 0 && now() < until) {
    // What a client that was killed has started comes up by itself.
    for (const { path } of places) await stopAll(path, wrong);
    await sleep(STEP);
  }
  for (const pid of left()) {
    const at = places.filter(({ path }) => instancesAt(path).some(({ status }) => status?.pid === pid));
    wrong(
      'no process is left',
      `${pid} (${commandOf(pid)}) runs, with instances at ${at.map(({ path }) => path).join()}`,
    );
  }
}

/** What is left at a path that nobody serves. */
export function leftOvers(path: string, wrong: Tell): void {
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
