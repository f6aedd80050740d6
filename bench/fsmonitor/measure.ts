/** Measures one way in which git learns what has changed: its daemon's start, `git status` with it, and what it costs. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { median, type Measured } from '../aggregate.ts';
import { makeHistogram, record } from '../histogram.ts';
import { startSample } from '../run/start-sample.ts';
import { cpuBetween, cpuOf, residentOf } from '../run/usage.ts';
import { type Load, type Sample, type ServerName } from '../types.ts';
import { ask } from './ask.ts';
import { output, timed, type Where } from './commands.ts';
import { marked, untilGone } from './daemons.ts';
import { installation, monitorOf, type Monitor } from './monitors.ts';
import type { Repository } from './repository.ts';

/** Until git has written what it learnt into its index: the first asks with no token, and the second with a new one. */
const SETTLING = 3;
/** Queries for each `git status`: they are so much shorter. */
const QUERIES = 10;
/** What the last query has left to do is done after so many milliseconds. */
const REST = 250;
/** A file that is not tracked. */
const NEW_FILE = 'new';

export async function measureMonitor(
  name: ServerName,
  repository: Repository,
  load: Pick<Load, 'amount' | 'duration'>,
): Promise<Measured> {
  const monitor = monitorOf(name);
  const where = repository.where(monitor.git);
  try {
    const ready = await switchOn(monitor, where);
    const daemon = theOnly(marked(repository.mark));
    await mustNotice(monitor, where);

    const lastByte = makeHistogram();
    let elapsed = 0;
    for (let run = -SETTLING; run < load.amount; run++) {
      where.signal?.throwIfAborted();
      const took = await timed(monitor.git.bin, ['status'], where);
      if (run < 0) continue;
      record(lastByte, took);
      elapsed += took;
    }
    const costs =
      ready === undefined ? undefined : { ready, ...(await costsOf(repository, daemon, load, where)) };
    if (theOnly(marked(repository.mark)) !== daemon)
      throw new Error('Another daemon has taken its place while it was measured.');
    return {
      server: { version: monitor.version, connectionPerRequest: true },
      sample: {
        ...startSample({ requests: load.amount, elapsed, lastByte, bytesSent: 0, bytesReceived: 0 }),
        ...(costs !== undefined && { monitor: costs }),
      },
    };
  } finally {
    await stopDaemon(monitor, repository);
  }
}

/** How long it took until the daemon was ready, in microseconds; undefined where there is none, or it is not measured. */
async function switchOn({ git, setting, daemon }: Monitor, where: Where): Promise<number | undefined> {
  if (setting !== 'hook') {
    await output(git.bin, ['config', 'core.fsmonitor', setting], where);
    return daemon && timed(daemon[0], [...daemon.slice(1), 'start'], where);
  }
  // That starts the daemon as well. It is ours, which is measured for itself.
  await output(...installation(), where);
  const hook = (await output(git.bin, ['config', 'core.fsmonitor'], where)).trim();
  if (/^(true|false)$/.test(hook)) throw new Error(`core.fsmonitor should be a hook, and is ${hook}.`);
  return undefined;
}

/** Of a daemon that would notice nothing, each answer is fast. */
async function mustNotice({ git }: Monitor, where: Where): Promise<void> {
  const look = () => output(git.bin, ['status', '--porcelain'], where);
  const expect = (found: string, expected: string) => {
    if (found !== expected)
      throw new Error(`git status said ${JSON.stringify(found)}, not ${JSON.stringify(expected)}.`);
  };
  const path = join(where.cwd, NEW_FILE);
  expect(await look(), '');
  writeFileSync(path, '');
  try {
    expect(await look(), `?? ${NEW_FILE}\n`);
  } finally {
    rmSync(path);
  }
  expect(await look(), '');
}

async function costsOf(
  { socket }: Repository,
  pid: number | undefined,
  { amount, duration }: Pick<Load, 'amount' | 'duration'>,
  { signal }: Where,
): Promise<Omit<NonNullable<Sample['monitor']>, 'ready'>> {
  const query = median(await ask(socket, amount * QUERIES));
  if (pid === undefined) return { query, resident: undefined, idle: undefined };
  const resident = residentOf(pid);
  await delay(REST, undefined, { signal });
  const before = cpuOf(pid);
  const begun = performance.now();
  await delay(duration, undefined, { signal });
  const used = cpuBetween(before, cpuOf(pid));
  const elapsed = (performance.now() - begun) * 1_000;
  return { query, resident, idle: duration === 0 || used === undefined ? undefined : used.all / elapsed };
}

/** Undefined where the system does not tell, or there is none. */
function theOnly(pids: readonly number[]): number | undefined {
  if (pids.length > 1) throw new Error(`There are ${pids.length} daemons, not one: ${pids.join(', ')}.`);
  return pids[0];
}

/** It also ends where the bench was interrupted, so nothing of it heeds the signal. */
async function stopDaemon({ git, daemon, setting }: Monitor, repository: Repository): Promise<void> {
  const { signal: _, ...where } = repository.where(git);
  // One that has not started, or has ended, cannot be stopped: that was told already.
  const tryTo = (program: string, args: readonly string[]) => output(program, args, where).catch(() => {});
  if (setting === 'hook') await tryTo(...installation(true));
  else if (daemon !== undefined) await tryTo(daemon[0], [...daemon.slice(1), 'stop']);
  await untilGone(repository.mark);
}
