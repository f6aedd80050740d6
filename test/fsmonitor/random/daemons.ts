/** The daemons that are played against, and how each is started and ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findTransport, hookScript } from '../../../src/apps/fsmonitor/hook.ts';
import { Unavailable } from '../../../bench/types.ts';
import { probe, serve } from '../../../src/index.ts';
import type { Repository } from './repository.ts';

/**
 * `ours`; `hook`, which is ours asked by an older git through its hook; and to see that the game itself is right: `git`, its own daemon;
 * `none`; and `trivial`, which says of all that it may have changed.
 */
export const KINDS = ['ours', 'hook', 'git', 'none', 'trivial'] as const;
export type Kind = (typeof KINDS)[number];

export interface Daemon {
  /** Whether it runs, as it should. */
  isAlive(): boolean;
  /** Once it has ended: with what, and what it wrote on stderr. */
  lastWords(): Promise<string>;
  /** How many events the kernel keeps for it. */
  readonly queue: number;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Gives it no chance to clean up. */
  kill(): Promise<void>;
}

const CLI = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const QUEUE_LIMIT = '/proc/sys/fs/inotify/max_queued_events';
/** Long enough to start on a busy machine, in milliseconds. */
const PATIENCE = 30_000;
/** What is kept of what a daemon says. */
const SAID = 10_000;

/** The hook that `simple-ipc fsmonitor install` writes, but that it starts no daemon: here the game does. */
export async function hookFor(): Promise<string> {
  const transport = await findTransport();
  if (transport === undefined)
    throw new Unavailable('There is none of nc, socat, ncat and perl for the hook.');
  return hookScript({ transport, command: ['false'] });
}

/** Starts one; resolves when it listens. With `queue` the kernel keeps that many events for it, where that can be set. */
export async function startDaemon(
  kind: Kind,
  repository: Repository,
  queue?: number,
): Promise<Daemon | undefined> {
  if (kind === 'none') return undefined;
  if (kind === 'trivial') return serveTrivial(repository);
  const restore = queue === undefined ? undefined : limitQueue(queue);
  try {
    const child = spawnDaemon(kind, repository);
    const said = collect(child);
    const closed = once(child, 'close');
    await listening(repository, child, said);
    return {
      isAlive: () => child.exitCode === null && child.signalCode === null,
      async lastWords() {
        await closed;
        return `${child.exitCode ?? child.signalCode}: ${said()}`;
      },
      queue: restore === undefined ? queueLimit() : queue!,
      signal: (signal) => child.kill(signal),
      async kill() {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      },
    };
  } finally {
    restore?.();
  }
}

function spawnDaemon(kind: 'ours' | 'hook' | 'git', { bin, directory: cwd, env }: Repository): ChildProcess {
  const [program, words] =
    kind === 'git' ? [bin, ['fsmonitor--daemon', 'run']] : [process.execPath, [CLI, 'fsmonitor', 'run']];
  const child = spawn(program, words, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
  // Nothing outlives the game.
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

function collect(child: ChildProcess): () => string {
  let said = '';
  child.stderr?.setEncoding('latin1').on('data', (text: string) => (said = (said + text).slice(-SAID)));
  return () => said;
}

async function listening({ socket }: Repository, child: ChildProcess, said: () => string): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while ((await probe(socket)).state !== 'listening') {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`The daemon ended with ${child.exitCode ?? child.signalCode} at its start: ${said()}`);
    if (performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`The daemon does not listen at ${socket} after ${PATIENCE / 1_000} s: ${said()}`);
    }
    await sleep(2);
  }
}

async function serveTrivial({ socket }: Repository): Promise<Daemon> {
  const server = await serve(socket, () => 'builtin:trivial:0\0/\0');
  return {
    isAlive: () => true,
    lastWords: async () => '',
    queue: Infinity,
    signal: () => undefined,
    kill: async () => void (await server.close({ drainTimeout: 0 })),
  };
}

function queueLimit(): number {
  try {
    return Number(readFileSync(QUEUE_LIMIT, 'latin1'));
  } catch {
    return Infinity;
  }
}

/** Sets it for what is started until it is restored. Undefined where that is not allowed. */
function limitQueue(queue: number): (() => void) | undefined {
  const before = queueLimit();
  if (before === Infinity) return undefined;
  const restore = () => {
    process.off('exit', restore);
    writeFileSync(QUEUE_LIMIT, String(before));
  };
  try {
    writeFileSync(QUEUE_LIMIT, String(queue));
  } catch {
    return undefined;
  }
  process.on('exit', restore);
  return restore;
}
