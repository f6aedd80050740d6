import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** What Linux shows of sockets and processes. Elsewhere, and where this user may not look, nothing: `undefined`. */

/** A row of /proc/net/unix that has a name: proc_net_unix(5), and unix_seq_show in net/unix/af_unix.c. */
interface Row {
  readonly name: string;
  readonly inode: string;
  readonly listens: boolean;
  /** A connection that nobody has accepted yet: it is being connected, and no descriptor is open on it. */
  readonly waits: boolean;
}

const SO_ACCEPTCON = '00010000';
const SS_CONNECTING = '02';

function* rows(): Generator<Row> {
  let table: string;
  try {
    table = readFileSync('/proc/net/unix', 'utf8');
  } catch {
    return;
  }
  // Num RefCount Protocol Flags Type St Inode Path
  for (const [, flags, state, inode, name] of table.matchAll(
    /^\S+ \S+ \S+ (\S+) \S+ (\S+) +(\d+) (.+)$/gmu,
  )) {
    const waits = state === SS_CONNECTING && inode === '0';
    yield { name: name!, inode: inode!, listens: flags === SO_ACCEPTCON, waits };
  }
}

/** The names of all listening sockets whose last part is this one. */
export function listeningNames(last: string): string[] {
  return Array.from(rows())
    .filter(({ name, listens }) => listens && basename(name) === last)
    .map(({ name }) => name);
}

/** How many connections wait to be accepted at the one socket that listens by that name. */
export function waitingAt(name: string): number | undefined {
  const named = Array.from(rows()).filter((row) => row.name === name);
  if (named.filter(({ listens }) => listens).length !== 1) return undefined;
  return named.filter(({ waits }) => waits).length;
}

/**
 * The process that has the socket open that listens by that name; nothing where several have, since then one of them may be a
 * service manager, which has handed it on and is not to be blamed. Neither is the first of all processes.
 */
export function holderOf(name: string): number | undefined {
  const links = Array.from(rows())
    .filter((row) => row.listens && row.name === name)
    .map(({ inode }) => `socket:[${inode}]`);
  if (links.length !== 1) return undefined;
  const all = pids().filter((pid) => holds(pid, links[0]!));
  const holders = all.filter((pid) => !isCopy(pid, all));
  return holders.length === 1 && holders[0] !== 1 ? holders[0] : undefined;
}

/** A child that has not run its own program yet, or never will, has what its parent has. */
function isCopy(pid: number, holders: readonly number[]): boolean {
  const parent = statOf(pid)?.parent;
  return parent !== undefined && holders.includes(parent) && commandOf(pid) === commandOf(parent);
}

function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return undefined;
  }
}

function holds(pid: number, link: string): boolean {
  try {
    return descriptors(pid).some((descriptor) => linkOf(pid, `fd/${descriptor}`) === link);
  } catch {
    // Another user's, or over by now.
    return false;
  }
}

function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isSafeInteger);
  } catch {
    return [];
  }
}

function descriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`);
}

function linkOf(pid: number | 'self', name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch {
    return undefined;
  }
}

/** Whether this user may see what the process has open. */
export function showsDescriptors(pid: number): boolean {
  try {
    return descriptors(pid).length > 0;
  } catch {
    return false;
  }
}

/** How many descriptors a process has open, and how many it may. */
export function descriptorsOf(pid: number): { open: number; limit: number } | undefined {
  try {
    const soft = /^Max open files +(\d+)/mu.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))?.[1];
    return {
      open: descriptors(pid).length,
      limit: soft === undefined ? Number.POSITIVE_INFINITY : Number(soft),
    };
  } catch {
    return undefined;
  }
}

/** A process's state, as ps shows it, and its parent: proc_pid_stat(5). */
export function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: state!, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** Which mount namespace a process is in. */
export function mountNamespaceOf(pid: number | 'self'): string | undefined {
  return linkOf(pid, 'ns/mnt');
}

/** Whether a file system, or a single file, is mounted at just that path. */
export function isMountPoint(path: string): boolean {
  let table: string;
  try {
    table = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return false;
  }
  // ID parent major:minor root mount-point ..., with spaces, tabs, newlines and backslashes in octal.
  return table
    .split('\n')
    .some(
      (line) =>
        line
          .split(' ')[4]
          ?.replace(/\\(\d{3})/gu, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) ===
        path,
    );
}
