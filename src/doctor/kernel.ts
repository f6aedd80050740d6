import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

import { openFilesLimit, processStat, socketLink, unixSockets, type UnixSocket } from '../runtime/proc.ts';

/** What Linux shows of sockets and processes. Elsewhere, and where this user may not look, nothing: `undefined`. */

/** The Unix sockets that have a name. */
function named(): UnixSocket[] {
  try {
    return unixSockets().filter(({ name }) => name !== '');
  } catch {
    return [];
  }
}

const SS_CONNECTING = '02';

/** A connection that nobody has accepted yet: it is being connected, and no descriptor is open on it. */
function waits({ state, inode }: UnixSocket): boolean {
  return state === SS_CONNECTING && inode === '0';
}

/** The names of all listening sockets whose last part is this one. */
export function listeningNames(last: string): string[] {
  return named()
    .filter(({ name, listens }) => listens && basename(name) === last)
    .map(({ name }) => name);
}

/** How many connections wait to be accepted at the one socket that listens by that name. */
export function waitingAt(name: string): number | undefined {
  const those = named().filter((socket) => socket.name === name);
  if (those.filter(({ listens }) => listens).length !== 1) return undefined;
  return those.filter(waits).length;
}

/**
 * The process that has the socket open that listens by that name; nothing where several have, since then one of them may be a
 * service manager, which has handed it on and is not to be blamed. Neither is the first of all processes.
 */
export function holderOf(name: string): number | undefined {
  const links = listeningLinks(name);
  if (links.length !== 1) return undefined;
  const all = pids().filter((pid) => holds(pid, links[0]!));
  const holders = all.filter((pid) => !isCopy(pid, all));
  return holders.length === 1 && holders[0] !== 1 ? holders[0] : undefined;
}

/** Whether a process has a socket open that listens by that name. */
export function listensBy(pid: number, name: string): boolean {
  return listeningLinks(name).some((link) => holds(pid, link));
}

/** The sockets that listen by that name, as descriptors show them. */
function listeningLinks(name: string): string[] {
  return named()
    .filter((socket) => socket.listens && socket.name === name)
    .map(socketLink);
}

/** A child that has not run its own program yet, or never will, has what its parent has. */
function isCopy(pid: number, holders: readonly number[]): boolean {
  const parent = processStat(pid)?.parent;
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
    return { open: descriptors(pid).length, limit: openFilesLimit(pid) };
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
