/** Starts, takes over, stops and kills servers. */
import { openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { start, stop } from '../../src/index.ts';
import { instancesAt } from '../../src/runtime/rendezvous/instances.ts';
import { hasEnded, processState } from '../../src/runtime/rendezvous/process-state.ts';
import type { InstanceStatus } from '../../src/runtime/rendezvous/status.ts';
import { choosePlace, failureOf, isOver, type Loop } from './actor.ts';
import { codeOf, runCommand, runForeground, type Foreground } from './commands.ts';
import { now, type EndManner } from './entries.ts';
import { isMarked } from './processes.ts';
import { HANDLER, IDLE, MAIN, MARK, SERVER, type Place } from './setting.ts';

const ACTIONS = {
  serve: 3,
  takeover: 4,
  detach: 2,
  detachedTakeover: 2,
  start: 3,
  stop: 3,
  stopTwice: 1,
  stopByCommand: 1,
  terminate: 2,
  kill: 3,
  killAny: 1,
  cutOff: 3,
  leaveStart: 1,
} as const;

/** Between two actions of a loop, in milliseconds. */
const PAUSE = 150;
/** When a starting server is cut off, in milliseconds from its start. */
const CUT_OFF = 400;
/** How much later a second stop comes, in milliseconds. */
const LATER = 80;

/** One after the other, until it is over. */
export async function live(loop: Loop): Promise<void> {
  while (!isOver(loop)) {
    const place = choosePlace(loop, 'lives');
    await doOne(loop, place);
    await sleep(loop.random.between(0, PAUSE));
  }
}

function doOne(loop: Loop, place: Place): Promise<void> {
  switch (loop.random.weighted(ACTIONS)) {
    case 'serve':
      return serve(loop, place, false);
    case 'takeover':
      return serve(loop, place, true);
    case 'detach':
      return detach(loop, place, false);
    case 'detachedTakeover':
      return detach(loop, place, true);
    case 'start':
      return startOne(loop, place);
    case 'stop':
      return stopOne(loop, place);
    case 'stopTwice':
      return stopTwice(loop, place);
    case 'stopByCommand':
      return stopByCommand(loop, place);
    case 'terminate':
      return signal(loop, place, 'terminate', false);
    case 'kill':
      return signal(loop, place, 'kill', false);
    case 'killAny':
      return signal(loop, place, 'kill', true);
    case 'cutOff':
      return cutOff(loop, place);
    case 'leaveStart':
      return leaveStart(loop, place);
  }
}

/** A command that serves at a place: the one of this package, or a program that embeds it. */
export function serverCommand({ random }: Loop, { path, isIdle }: Place, takeover: boolean): string[] {
  if (random.chance(0.5) || isIdle) {
    const idle = isIdle ? { idleTimeout: IDLE } : {};
    return [SERVER, path, JSON.stringify({ takeover, ...idle })];
  }
  return [MAIN, 'serve', path, '--module', HANDLER, ...(takeover ? ['--takeover'] : [])];
}

async function serve(loop: Loop, place: Place, takeover: boolean): Promise<void> {
  const { file, by } = loop;
  const { path } = place;
  const at = now();
  const server = runForeground(serverCommand(loop, place, takeover));
  noteExit(loop, path, server);
  const settled = await server.settled;
  const end = now();
  const about = { kind: 'start', at, end, by, path, manner: 'serve', takeover, pid: server.pid } as const;
  if (settled === 'up') {
    file.add({ ...about, startedAt: startedAt(path, server.pid), outcome: 'ok' });
    return;
  }
  const ended = await server.ended;
  file.add({ ...about, outcome: codeOf(server.said(), ended), detail: server.said() });
}

function noteExit({ file, later }: Loop, path: string, server: Foreground): void {
  const { pid } = server;
  later(
    server.ended.then(({ code, signal: by }) =>
      file.add({ kind: 'exit', at: now(), path, pid, code, signal: by, said: server.said() }),
    ),
  );
}

async function detach(loop: Loop, { path, isIdle }: Place, takeover: boolean): Promise<void> {
  const { file, by } = loop;
  const at = now();
  const more = [...(takeover ? ['--takeover'] : []), ...(isIdle ? ['--idle-exit', String(IDLE / 1000)] : [])];
  // A log of its own: what it says there is what the command says of its failure.
  const log = `${path}.${by}-${Math.floor(at)}.log`;
  const command = ['serve', path, '--detach', '--detach-log', log, '--module', HANDLER, ...more];
  const outcome = await runCommand(command);
  const about = {
    kind: 'start',
    at,
    end: now(),
    by,
    path,
    manner: 'detach',
    takeover,
    endsItself: isIdle,
  } as const;
  if (outcome.code === 0) {
    const pid = Number(/, pid (\d+)/u.exec(outcome.said)?.[1]);
    file.add({ ...about, pid, startedAt: startedAt(path, pid), outcome: 'ok' });
  } else {
    file.add({ ...about, outcome: codeOf(outcome.said, outcome), detail: outcome.said });
  }
}

async function startOne(loop: Loop, place: Place): Promise<void> {
  const { file, by } = loop;
  const { path } = place;
  const at = now();
  const about = { kind: 'start', at, by, path, manner: 'start', takeover: false } as const;
  try {
    const command = [process.execPath, ...serverCommand(loop, place, false)];
    const { started, pid } = await start(path, { command });
    const end = now();
    const outcome = started ? 'ok' : 'running';
    file.add({ ...about, end, pid, startedAt: pid === undefined ? pid : startedAt(path, pid), outcome });
  } catch (error) {
    file.add({ ...about, end: now(), ...failureOf(error) });
  }
}

/** Which one it is among the servers of a path; nothing where it has gone already. */
function startedAt(path: string, pid: number): number | undefined {
  return instancesAt(path).find(({ status }) => status?.pid === pid)?.status?.startedAt;
}

async function stopOne({ file, by }: Loop, { path }: Place): Promise<void> {
  const at = now();
  const about = { kind: 'end', at, by, path, manner: 'stop' } as const;
  try {
    const { wasRunning, pid, ended } = await stop(path);
    const outcome = wasRunning ? 'ok' : 'not-running';
    file.add({ ...about, end: now(), pid, outcome, detail: ended });
  } catch (error) {
    file.add({ ...about, end: now(), ...failureOf(error) });
  }
}

/** Where two say it, the second may come at any point of the end. */
async function stopTwice(loop: Loop, place: Place): Promise<void> {
  const first = stopOne(loop, place);
  await Promise.race([sleep(loop.random.between(0, LATER)), first]);
  await Promise.all([first, stopOne(loop, place)]);
}

async function stopByCommand({ file, by }: Loop, { path }: Place): Promise<void> {
  const at = now();
  const result = await runCommand(['stop', path]);
  const { code, said } = result;
  const pid = /\(pid (\d+)\)/u.exec(said)?.[1];
  const well = said.includes('No server is running') ? 'not-running' : 'ok';
  const outcome = code === 0 ? well : codeOf(said, result);
  const which = pid === undefined ? {} : { pid: Number(pid) };
  file.add({ kind: 'end', at, end: now(), by, path, manner: 'stop', ...which, outcome, detail: said });
}

/** Sends SIGTERM or SIGKILL to the server at a path; or to any that has an instance there, such as one that drains. */
async function signal(
  loop: Loop,
  { path }: Place,
  manner: 'terminate' | 'kill',
  any: boolean,
): Promise<void> {
  const { part, file, random, by } = loop;
  const found = instancesAt(path)
    .filter(({ status, owns }) => status !== undefined && (any || owns))
    .map(({ status }) => status as InstanceStatus)
    .filter(
      (status) => processState(status) === 'running' && isMarked(status.pid, process.env[MARK] as string),
    );
  if (found.length === 0) return;
  const status = random.pick(found);
  const { pid, startedAt: since } = status;
  const at = now();
  const outcome = sendOnce(part.directory, pid, manner);
  const about = { kind: 'end', at, by, path, manner, pid, startedAt: since, outcome } as const;
  if (outcome !== 'ok') file.add({ ...about, end: now() });
  else loop.later(gone(status).then(() => file.add({ ...about, end: now() })));
}

/** Resolves when a process has nothing open any more: it takes a while to die of a signal. */
async function gone(status: InstanceStatus): Promise<void> {
  while (!hasEnded(status)) await sleep(5);
}

/** A second SIGTERM would abort what still runs, so there is one for each process. */
function sendOnce(directory: string, pid: number, manner: EndManner): string {
  try {
    if (manner === 'terminate') closeSync(openSync(join(directory, `terminated-${pid}`), 'wx'));
    process.kill(pid, manner === 'terminate' ? 'SIGTERM' : 'SIGKILL');
    return 'ok';
  } catch {
    return 'not-running';
  }
}

/** Kills or terminates a server somewhere on its way up. */
async function cutOff(loop: Loop, place: Place): Promise<void> {
  const { part, file, random, by } = loop;
  const { path } = place;
  const takeover = random.chance(0.6);
  const isPolite = random.chance(0.3);
  const server = runForeground(serverCommand(loop, place, takeover));
  noteExit(loop, path, server);
  await Promise.race([sleep(random.between(0, CUT_OFF)), server.ended]);
  const at = now();
  const which = { pid: server.pid, startedAt: startedAt(path, server.pid) };
  const outcome = sendOnce(part.directory, server.pid, isPolite ? 'terminate' : 'kill');
  const manner = isPolite ? 'terminate' : 'kill-starting';
  const about = { kind: 'end', at, by, path, manner, ...which, outcome } as const;
  loop.later(server.ended.then(() => file.add({ ...about, end: now() })));
}

/** Kills a client that is starting a server. What it has started goes on, and nobody else is kept from starting one. */
async function leaveStart(loop: Loop, place: Place): Promise<void> {
  const { random } = loop;
  const command = [process.execPath, ...serverCommand(loop, place, false)];
  const client = runForeground([MAIN, 'send', place.path, '', '--start', '--', ...command]);
  await Promise.race([sleep(random.between(0, CUT_OFF)), client.ended]);
  client.child.kill('SIGKILL');
  await client.ended;
}
