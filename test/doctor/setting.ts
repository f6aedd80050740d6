import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { ExecutionContext } from 'ava';

import type { Diagnosis } from '../../src/doctor/index.ts';
import { processStat } from '../../src/runtime/proc.ts';
import type { InstanceStatus } from '../../src/runtime/rendezvous/status.ts';
import { eventually } from '../support/serving.ts';

const SERVER = fileURLToPath(new URL('server-child.ts', import.meta.url));
const DOCTOR = fileURLToPath(new URL('doctor-child.ts', import.meta.url));

export type Kind = 'serve' | 'plain' | 'serve-hanging' | 'plain-hanging' | 'adopt' | 'takeover';

/** A server in a process of its own. */
export interface ServerProcess {
  /** Of the process that was started, which is the server itself unless another command stands before it. */
  readonly pid: number;
  kill(): Promise<void>;
  /** Stops it, as Control-Z does. */
  stop(): Promise<void>;
}

/**
 * Starts a server, by the words of another command where some stand `before`, and waits until it listens.
 * `adopt` is handed a socket that listens, by its descriptor.
 */
export async function startProcess(
  t: ExecutionContext,
  kind: Kind,
  path: string,
  before: readonly string[] = [],
  descriptor?: number,
): Promise<ServerProcess> {
  const [command, ...args] = [...before, process.execPath, SERVER, kind, path];
  const stdio: ['ignore', 'pipe', ...('inherit' | number)[]] = ['ignore', 'pipe', 'inherit'];
  if (descriptor !== undefined) stdio.push(descriptor);
  const child = spawn(command!, args, { stdio });
  const exit = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exit;
  };
  t.teardown(kill);
  const first = await Promise.race([once(child.stdout!, 'data'), exit.then(() => undefined)]);
  if (first === undefined) throw new Error('the server did not start');
  const pid = child.pid!;
  return {
    pid,
    kill,
    async stop() {
      process.kill(pid, 'SIGSTOP');
      await eventually(() => processStat(pid)?.state === 'T', 'the process is stopped');
    },
  };
}

/** Examines a path in a process of its own: as another user, or by the words of another command. */
export function examineIn(
  path: string,
  options: { user?: { uid?: number; gid?: number }; before?: readonly string[]; exhausted?: boolean } = {},
): Diagnosis {
  const { user = {}, before = [], exhausted = false } = options;
  const words = [...before, process.execPath, DOCTOR, path, '500', ...(exhausted ? ['exhausted'] : [])];
  const [command, ...args] = words;
  const { status, stdout, stderr } = spawnSync(command!, args, { ...user, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Diagnosis;
}

/** The words before a command that runs it in namespaces of its own; nothing, with a note, where that may not be. */
export function unshare(t: ExecutionContext, ...namespaces: string[]): readonly string[] | undefined {
  const asRoot = process.geteuid?.() === 0 ? [] : ['--map-root-user'];
  const words = ['unshare', ...asRoot, ...namespaces];
  const { status, stderr, error } = spawnSync(words[0]!, [...words.slice(1), 'true'], { encoding: 'utf8' });
  if (status === 0) return words;
  t.log(`skipped: namespaces cannot be made here (${error?.message ?? stderr.trim()})`);
  return undefined;
}

/** The status file of the one instance at a path. */
export function statusFile(path: string): string {
  const instance = readdirSync(`${path}.d`).find((name) => /^\d+-/u.test(name));
  return join(`${path}.d`, instance!, 'status.json');
}

/** Has the status of the one instance at a path say something else. */
export function forge(path: string, lies: (status: InstanceStatus) => Partial<InstanceStatus>): void {
  const file = statusFile(path);
  const status = JSON.parse(readFileSync(file, 'utf8')) as InstanceStatus;
  writeFileSync(file, JSON.stringify({ ...status, ...lies(status) }));
}
