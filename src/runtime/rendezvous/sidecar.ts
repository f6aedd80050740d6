import type { Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { errnoOf, reasonOf } from '../errors.ts';
import { pipeOf, split } from './endpoint.ts';
import {
  directoryMissing,
  listenFailed,
  notADirectory,
  pathTooLong,
  permissionDenied,
  shell,
  untrustedSidecar,
} from './errors.ts';
import { isDeadInstance } from './held.ts';
import { isAlive } from './process-state.ts';
import { pidInName, readInstance, STATUS_FILES } from './status.ts';
import { fs } from '../builtins.ts';

const { lstatSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } = fs;

/**
 * The directory of the locks of a path and of the instances of its servers: `<path>.d`. On Windows a pipe's name is no
 * place for files, and it stands in the user's temporary directory.
 */
export function sidecarOf(path: string): string {
  if (process.platform !== 'win32') return `${path}.d`;
  // Loaded when it is needed: nobody else does.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const pipe = createHash('sha256').update(pipeOf(path).toLowerCase()).digest('hex');
  return join(tmpdir(), 'simple-ipc', pipe.slice(0, 32));
}

/**
 * The sidecar of a path, made if there is none.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_UNTRUSTED_PATH` when it is no directory of this user's alone: who can write
 *   in it could hold the lock for ever, or have two servers hold it. `SIMPLE_IPC_PATH_NOT_FOUND`,
 *   `SIMPLE_IPC_PERMISSION_DENIED`, `SIMPLE_IPC_PATH_TOO_LONG` or `SIMPLE_IPC_LISTEN_FAILED` when it can't be made.
 */
export function prepareSidecar(path: string): string {
  const sidecar = sidecarOf(path);
  for (;;) {
    try {
      if (process.platform === 'win32') mkdirSync(dirname(sidecar), { recursive: true });
      mkdirSync(sidecar, 0o700);
      return sidecar;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw cannotPrepare(path, sidecar, error);
    }
    try {
      checkSidecar(path, sidecar);
      return sidecar;
    } catch (error) {
      // A server that stops takes its sidecar away with it.
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

/**
 * Checks that nobody else can have written in a sidecar.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_UNTRUSTED_PATH`.
 * @throws The system's error, such as `ENOENT` when there is none.
 */
export function checkSidecar(path: string, sidecar: string): void {
  const fault = faultOf(sidecar, lstatSync(sidecar));
  if (fault !== undefined) throw untrustedSidecar(path, sidecar, fault);
}

function faultOf(sidecar: string, stats: Stats): string | undefined {
  const user = process.geteuid?.();
  if (!stats.isDirectory()) return 'is no directory. Choose another path, or move it away.';
  if (process.platform === 'win32') return undefined;
  if (stats.uid !== user) {
    return `belongs to uid ${stats.uid}, not to this user (${user}). Choose a path in a directory of your own.`;
  }
  if ((stats.mode & 0o077) === 0) return undefined;
  const mode = (stats.mode & 0o7777).toString(8);
  return `is open to other users (mode ${mode}). Close it: chmod 700 ${shell(sidecar)}`;
}

/** What kept a sidecar, or something in it, from being made. */
export function cannotPrepare(path: string, sidecar: string, error: unknown): Error {
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
      return permissionDenied(path, `${shell(sidecar)} cannot be made, or written`, error);
    default:
      return listenFailed(path, error);
  }
}

/**
 * Removes the directories of instances whose process is gone, and what it left in them. To be called with the lock held. What
 * is not of our making stays, and is told.
 */
export function sweep(sidecar: string, onNotice: (message: string) => void): void {
  for (const name of readdirSync(sidecar)) {
    const pid = pidInName(name);
    if (pid === undefined) continue;
    const directory = join(sidecar, name);
    if (!isDead(directory, pid)) continue;
    try {
      removeInstance(directory);
    } catch (error) {
      // Its own server has removed it since it was listed.
      if (errnoOf(error) === 'ENOENT') continue;
      onNotice(`${shell(directory)} was left where it is (${reasonOf(error)}). Look at it, and delete it.`);
    }
  }
}

/** Without a status its name has to do. Where nobody can tell, it stays. */
function isDead(directory: string, pid: number): boolean {
  const { status } = readInstance(directory);
  if (status === undefined) return !isAlive(pid);
  return isDeadInstance({ directory, status });
}

/** Removes an instance's directory, its status and the sockets in it, and nothing else: with anything else in it, it throws. */
export function removeInstance(directory: string): void {
  if (lstatSync(directory).isDirectory()) {
    for (const name of readdirSync(directory)) {
      const file = join(directory, name);
      if (STATUS_FILES.includes(name) || lstatSync(file).isSocket()) unlinkSync(file);
    }
  }
  rmdirSync(directory);
}

/** Removes the sidecar unless something stands in it, such as another instance, or a lock that is held. */
export function removeSidecar(sidecar: string): void {
  try {
    rmdirSync(sidecar);
  } catch {
    // Somebody needs it, or has removed it.
  }
}
