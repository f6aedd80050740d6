/** Every error of the rendezvous, and of a client on its way to a server: its message, and what to do about it. */

import type { Stats } from 'node:fs';

import { invalidArgument, reasonOf, SimpleIpcError } from '../errors.ts';

/** A path as it can be pasted into a shell. */
export function shell(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** What stands at a path, with its article. */
export function kindOf(stats: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO'>): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFile()) return 'a file';
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isFIFO()) return 'a FIFO';
  return 'a device';
}

export function noSocketName(path: unknown): SimpleIpcError {
  const given = typeof path === 'string' ? JSON.stringify(path) : String(path);
  return invalidArgument(
    `${given} cannot name a socket: give a path without NUL whose last part is a name, such as ./app.sock.`,
  );
}

export function noWorkingDirectory(path: string, cause: unknown): SimpleIpcError {
  return invalidArgument(
    `${JSON.stringify(path)} is relative to a working directory that does not exist any more: give an absolute path.`,
    { path, cause },
  );
}

export function pathTooLong(path: string, why: string, cause?: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_PATH_TOO_LONG',
    `The path ${shell(path)} is too long (${Buffer.byteLength(path)} bytes): ${why}`,
    { path, cause },
  );
}

export function directoryMissing(path: string, directory: string, cause: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_PATH_NOT_FOUND',
    `The directory of ${shell(path)} does not exist. Create it: mkdir -m 700 -p ${shell(directory)}`,
    { path, cause },
  );
}

export function notADirectory(path: string, cause: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_PATH_NOT_FOUND',
    `Something on the way to ${shell(path)} is no directory. Choose a path whose directory exists.`,
    { path, cause },
  );
}

export function permissionDenied(path: string, what: string, cause: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_PERMISSION_DENIED',
    `${what}: the system denies it (${reasonOf(cause)}). ` +
      'Use a path in a directory of your own, or run as the user that owns this one.',
    { path, cause },
  );
}

export function invalidPath(path: string, kind: string, cause?: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_INVALID_PATH',
    `At ${shell(path)} stands ${kind}, not a socket. Choose another path, or move it away; it is left as it is.`,
    { path, cause },
  );
}

export function addressInUse(path: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_ADDRESS_IN_USE',
    `A server listens at ${shell(path)} already. Use that one, stop it first, replace it (takeover), or choose another path.`,
    { path },
  );
}

export function notTakeable(path: string, why: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_ADDRESS_IN_USE',
    `The server at ${shell(path)} can't be taken over: ${why}. Stop it first, by its own means.`,
    { path },
  );
}

export function noTakeover(path: string): SimpleIpcError {
  return invalidArgument(
    `The pipe ${shell(path)} can't be taken over: Windows lets nobody have a pipe's name before its server has closed it. ` +
      'Stop the old server first.',
    { path },
  );
}

export function networkFileSystem(path: string, name: string, cause: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_NETWORK_FILE_SYSTEM',
    `Nobody answers at ${shell(path)}, but it is on a file system (${name}) that other machines may share, and a ` +
      'server there refuses connections from here, too. Use a path on a local file system; or, if you are sure ' +
      `that no server uses it: rm ${shell(path)}`,
    { path, cause },
  );
}

export function untrustedSidecar(path: string, sidecar: string, why: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_UNTRUSTED_PATH',
    `${shell(sidecar)}, where the lock of ${shell(path)} is kept, ${why}`,
    { path },
  );
}

export function locked(path: string, lockTimeout: number, cause: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_LOCKED',
    `Another process has been starting or stopping a server at ${shell(path)} for more than ${lockTimeout} ms. ` +
      'Try again, or raise lockTimeout; if it hangs, end it: its lock ends with it.',
    { path, cause },
  );
}

export function cannotLock(path: string, file: string, cause: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_LISTEN_FAILED',
    `The lock ${shell(file)} could not be used (${reasonOf(cause)}). It needs a file system with file locks, and an ` +
      'empty file of that name or none: use a path elsewhere, or delete the file.',
    { path, cause },
  );
}

export function noSqlite(): Error {
  return new Error(
    'this Node.js has no node:sqlite: use one that was built with it, without --no-experimental-sqlite',
  );
}

export function listenFailed(path: string, cause: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_LISTEN_FAILED',
    `The system could not listen at ${shell(path)} (${reasonOf(cause)}). ` +
      'Choose a path on a file system that holds sockets and has room.',
    { path, cause },
  );
}

export function descriptorFailed(path: string, fd: number, cause: unknown): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_LISTEN_FAILED',
    `The descriptor ${fd} is no Unix socket that can listen (${reasonOf(cause)}). Hand in one that listens at ${shell(path)}.`,
    { path, cause },
  );
}

export function aborted(path: string, signal: AbortSignal): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_ABORTED',
    `Given up at ${shell(path)} by its signal (${reasonOf(signal.reason)}).`,
    { path, cause: signal.reason },
  );
}

export function untrusted(path: string, what: string, remedy: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_UNTRUSTED_PATH',
    `${what}: whoever that is could read the request and make up the answer. ${remedy}`,
    { path },
  );
}
