import { hostname } from 'node:os';

import { errnoOf } from '../errors.ts';
import type { InstanceStatus } from './status.ts';
import { fs } from '../builtins.ts';

const { readdirSync, readFileSync, readlinkSync } = fs;

/** When a process was started, in clock ticks since the machine was; nothing where it can't be told. */
export function processStartTime(pid: number): string | null {
  return statFields(pid)?.[START_TIME] ?? null;
}

/** Places in /proc/PID/stat behind the name, which may have spaces and parentheses itself: proc_pid_stat(5). */
const STATE = 0;
const THREADS = 17;
const START_TIME = 19;

function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
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
  const fields = statFields(status.pid);
  // Elsewhere than on Linux, and where /proc is hidden, a pid is all that there is.
  if (fields === undefined) return 'running';
  if (status.processStartTime !== null && fields[START_TIME] !== status.processStartTime) return 'gone';
  switch (fields[STATE]) {
    case 'T':
    case 't':
      return 'stopped';
    case 'Z':
    case 'X':
      // Its other threads may run on for a while, and until then all that it had open is open still: its socket listens.
      return Number(fields[THREADS]) > 1 ? 'running' : 'zombie';
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

/**
 * Whether the process of a status is proved to be the one that listens: the kernel knows a listening socket by the name
 * that it was bound to, and the process has that very socket open. False also where it cannot be proved: elsewhere than
 * on Linux, in another namespace, without the right to look.
 */
export function isProvedListener(status: InstanceStatus): boolean {
  if (processState(status) === 'gone') return false;
  try {
    const sockets = listeningSockets(status.boundAs);
    return readdirSync(`/proc/${status.pid}/fd`).some((fd) => {
      try {
        return sockets.has(readlinkSync(`/proc/${status.pid}/fd/${fd}`));
      } catch {
        // Closed since it was listed.
        return false;
      }
    });
  } catch {
    return false;
  }
}

/** The flags of a socket that listens, in /proc/net/unix (SO_ACCEPTCON, as unix_seq_show in net/unix/af_unix.c has it). */
const LISTENS = '00010000';

/** The listening sockets of that name, as a process's descriptors show them: `socket:[12345]`. */
export function listeningSockets(name: string): Set<string> {
  return new Set(listening().flatMap((socket) => (socket.name === name ? [socket.link] : [])));
}

/** All sockets with a name that listen in the network namespace of a process: each by its name, and as a descriptor shows it. */
export function listening(pid: number | 'self' = 'self'): { name: string; link: string }[] {
  return readFileSync(`/proc/${pid}/net/unix`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      // Num RefCount Protocol Flags Type St Inode Path
      const [, flags, inode, name] = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (.*)$/.exec(line) ?? [];
      return flags === LISTENS && name !== undefined ? [{ name, link: `socket:[${inode}]` }] : [];
    });
}
