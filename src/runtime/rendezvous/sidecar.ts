import { lstatSync, mkdirSync, readdirSync, rmdirSync, unlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';

import { errnoOf, reasonOf } from '../errors.ts';
import { split } from './endpoint.ts';
import {
  directoryMissing,
  listenFailed,
  notADirectory,
  pathTooLong,
  permissionDenied,
  shell,
  untrustedSidecar,
} from './errors.ts';

/** What the names of staging directories begin with. */
export const STAGING = 'staging-';

/**
 * The directory beside the socket that holds its lock and what is staged: `<path>.d`, made if there is none.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_UNTRUSTED_PATH` when it is no directory of this user's alone: who can write
 *   in it could hold the lock for ever, or have two servers hold it. `SIMPLE_IPC_PATH_NOT_FOUND`,
 *   `SIMPLE_IPC_PERMISSION_DENIED`, `SIMPLE_IPC_PATH_TOO_LONG` or `SIMPLE_IPC_LISTEN_FAILED` when it can't be made.
 */
export function prepareSidecar(path: string): string {
  const sidecar = `${path}.d`;
  for (;;) {
    try {
      mkdirSync(sidecar, 0o700);
      return sidecar;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw cannotPrepare(path, sidecar, error);
    }
    const stats = lstatSync(sidecar, { throwIfNoEntry: false });
    // A server that stops takes its sidecar away with it.
    if (stats === undefined) continue;
    const fault = faultOf(sidecar, stats);
    if (fault !== undefined) throw untrustedSidecar(path, sidecar, fault);
    return sidecar;
  }
}

function faultOf(sidecar: string, stats: Stats): string | undefined {
  const user = process.geteuid?.();
  if (!stats.isDirectory()) return 'is no directory. Choose another path, or move it away.';
  if (stats.uid !== user) {
    return `belongs to uid ${stats.uid}, not to this user (${user}). Choose a path in a directory of your own.`;
  }
  if ((stats.mode & 0o077) === 0) return undefined;
  const mode = (stats.mode & 0o7777).toString(8);
  return `is open to other users (mode ${mode}). Close it: chmod 700 ${shell(sidecar)}`;
}

function cannotPrepare(path: string, sidecar: string, error: unknown): Error {
  switch (errnoOf(error)) {
    case 'ENOENT':
      return directoryMissing(path, split(path).directory, error);
    case 'ENOTDIR':
      return notADirectory(path, error);
    case 'ENAMETOOLONG':
      return pathTooLong(path, 'the file system takes no such name. Choose a shorter one.', error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return permissionDenied(path, `${shell(sidecar)} cannot be made`, error);
    default:
      return listenFailed(path, error);
  }
}

/**
 * Removes what starters left that were killed while they staged. Staging directories exist only while the lock is held, so
 * with the lock held every one that is found is such a left-over. What is not of our making stays, and is told.
 */
export function sweep(sidecar: string, onNotice: (message: string) => void): void {
  for (const name of readdirSync(sidecar)) {
    if (!name.startsWith(STAGING)) continue;
    const staging = join(sidecar, name);
    try {
      removeStaging(staging);
    } catch (error) {
      onNotice(`${shell(staging)} was left where it is (${reasonOf(error)}). Look at it, and delete it.`);
    }
  }
}

/** Removes a staging directory and the sockets in it, and nothing else: with anything else in it, it throws. */
export function removeStaging(staging: string): void {
  if (lstatSync(staging).isDirectory()) {
    for (const name of readdirSync(staging)) {
      const file = join(staging, name);
      if (lstatSync(file).isSocket()) unlinkSync(file);
    }
  }
  rmdirSync(staging);
}
