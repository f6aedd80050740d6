import { hostname } from 'node:os';

import { errnoOf } from '../errors.ts';
import { processStat, socketLink, unixSockets } from '../proc.ts';
import type { InstanceStatus } from './status.ts';
import { fs } from '../builtins.ts';

const { readFileSync, readlinkSync } = fs;

/** When a process was started, in clock ticks since the machine was; nothing where it can't be told. */
export function processStartTime(pid: number): string | null {
  return processStat(pid)?.startTime ?? null;
}

export function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return null;
  }
}

export function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
}

/**
 * How the process of a status is: `running`; `stopped`, by a signal or a debugger; a `zombie`, which has ended and was
 * not waited for; `gone`, which includes that its pid is another's now; `elsewhere`, on another machine or in another
 * pid namespace, where its pid says nothing here.
 */
export type ProcessState = 'running' | 'stopped' | 'zombie' | 'gone' | 'elsewhere';

export function processState(status: InstanceStatus): ProcessState {
  const boot = bootId();
  // A machine may be given another name while it runs.
  if (boot === null || boot !== status.bootId) {
    if (status.host !== hostname()) return 'elsewhere';
    if (boot !== null && status.bootId !== null) return 'gone';
  }
  const namespace = pidNamespace();
  if (namespace !== null && status.pidNamespace !== null && namespace !== status.pidNamespace)
    return 'elsewhere';
  if (!isAlive(status.pid)) return 'gone';
  const stat = processStat(status.pid);
  // Elsewhere than on Linux, and where /proc is hidden, a pid is all that there is.
  if (stat === undefined) return 'running';
  if (status.processStartTime !== null && stat.startTime !== status.processStartTime) return 'gone';
  switch (stat.state) {
    case 'T':
    case 't':
      return 'stopped';
    case 'Z':
    case 'X':
      // Its other threads may run on for a while, and until then all that it had open is open still: its socket listens.
      return stat.threads > 1 ? 'running' : 'zombie';
    default:
      return 'running';
  }
}

/** Whether the process of a status has ended, for sure. */
export function hasEnded(status: InstanceStatus): boolean {
  const state = processState(status);
  return state === 'gone' || state === 'zombie';
}

/** Whether a process has that pid, whoever it is. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/** All sockets with a name that listen in the network namespace of a process: each by its name, and as a descriptor shows it. */
export function listening(pid: number | 'self' = 'self'): { name: string; link: string }[] {
  return unixSockets(pid)
    .filter(({ listens, name }) => listens && name !== '')
    .map((socket) => ({ name: socket.name, link: socketLink(socket) }));
}
