import { basename, dirname, join } from 'node:path';

import { errnoOf } from '../errors.ts';
import { hasEnded, listening, processState } from './process-state.ts';
import type { InstanceStatus } from './status.ts';
import { fs } from '../builtins.ts';

const { lstatSync, readdirSync, readlinkSync, statSync } = fs;

/** What is known of an instance: where it was found, and what it says. */
export interface Held {
  readonly directory: string;
  readonly status: InstanceStatus;
}

/**
 * Whether the process of an instance is proved to serve it: it has a socket open that listens and was bound in the instance's
 * directory, or that stands at the path and was handed in. What a status says does not count, for it may be of another process
 * that listens elsewhere. False also where it cannot be proved: elsewhere than on Linux, in another namespace, without the right
 * to look.
 *
 * @param path - The absolute path at which the instance was found.
 */
export function isProvedInstance(instance: Held, path: string): boolean {
  const { pid } = instance.status;
  const state = processState(instance.status);
  if (state === 'gone' || state === 'elsewhere') return false;
  try {
    const own = new Set(
      listening().flatMap(({ name, link }) => (isOf(instance, path, name) === true ? [link] : [])),
    );
    return own.size > 0 && readdirSync(`/proc/${pid}/fd`).some((fd) => own.has(linkOf(pid, fd) ?? ''));
  } catch {
    return false;
  }
}

/**
 * Whether an instance has ended for sure, although it is still written down: its process has; or nothing of it listens any more
 * in a process that lives on, such as that of a worker thread that was terminated. A server that drains still has its control
 * socket; of one without, nobody can tell. Linux alone shows the latter.
 *
 * @param owns - The socket at the path is its own: then it does not drain, for that gives the path up first.
 */
export function isDeadInstance(instance: Held, owns = false): boolean {
  const { status } = instance;
  if (hasEnded(status)) return true;
  if (status.control === null && (!owns || isHandedIn(status))) return false;
  const state = processState(status);
  if (state !== 'running' && state !== 'stopped') return false;
  try {
    return listening(status.pid).every(({ name }) => isOf(instance, undefined, name) === false);
  } catch {
    return false;
  }
}

/** Whether its socket was made by somebody else, such as a service manager, and is for that one to remove. */
export function isHandedIn({ boundAs, path }: InstanceStatus): boolean {
  return boundAs === path;
}

/** An address that goes through a descriptor, as of a path that is longer than an address: see `addressIn`. */
const THROUGH_DESCRIPTOR = /^\/proc\/self\/fd\/(\d+)\/[^/]+$/;

/** Whether a socket of the instance's process that was bound by this name is the instance's; nothing where it can't be told. */
function isOf({ directory, status }: Held, path: string | undefined, name: string): boolean | undefined {
  if (path !== undefined && name === status.boundAs && isHandedIn(status)) return isSameFile(name, path);
  const descriptor = THROUGH_DESCRIPTOR.exec(name)?.[1];
  if (descriptor !== undefined) {
    try {
      return isSameStat(statSync(`/proc/${status.pid}/fd/${descriptor}`), statSync(directory));
    } catch (error) {
      return errnoOf(error) === 'ENOENT' ? false : undefined;
    }
  }
  if (basename(dirname(name)) !== basename(directory)) return false;
  return isSameFile(dirname(name), directory);
}

/** Whether one file has both names; also where the first name leads nowhere from here: it was renamed, or is mounted elsewhere. */
function isSameFile(name: string, other: string): boolean | undefined {
  try {
    return isSameStat(lstatSync(name), lstatSync(other));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return true;
    return undefined;
  }
}

function isSameStat(a: { dev: number; ino: number }, b: { dev: number; ino: number }): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

function linkOf(pid: number, fd: string): string | undefined {
  try {
    return readlinkSync(join('/proc', `${pid}`, 'fd', fd));
  } catch {
    // Closed since it was listed.
    return undefined;
  }
}
