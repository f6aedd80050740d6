import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

import { errnoOf } from '../errors.ts';
import { O_PATH } from './address.ts';
import { cannotLock, locked, pathTooLong } from './errors.ts';
import { identityAt, isSame, type Identity } from './identity.ts';
import { cannotPrepare, prepareSidecar, removeSidecar } from './sidecar.ts';
import { loadSqlite } from './sqlite.ts';
import { pause, throwIfAborted } from './wait.ts';
import { fs, monotonicMs } from '../builtins.ts';

const { closeSync, constants, fstatSync, mkdtempSync, openSync, rmdirSync, unlinkSync } = fs;

/** Which lock, and how it is waited for. */
export interface LockOptions {
  /**
   * `lock` (the default) is held by who publishes, replaces or unlinks the socket, and `start` by a client that starts a
   * server: that one takes the other, and must not wait for who waits for it.
   */
  readonly name?: 'lock' | 'start' | undefined;
  /** How long to wait for another process, in milliseconds; 0 tries once. */
  readonly lockTimeout: number;
  readonly signal?: AbortSignal | undefined;
}

/** The lock of a path, held. */
export interface Lock {
  /** The directory that it stands in, for what it guards. */
  readonly sidecar: string;
  /** Gives it up, and takes its file away, and the directory when nothing else stands there. Never throws. */
  release(): void;
}

/** SQLite's own limit to the path of a database on Unix (MAX_PATHNAME, 512), without the NUL. */
const SQLITE_PATH = 511;
/** The longest path of a server, in bytes: its longer lock is `<path>.d/start`. */
export const PATH_MAX = SQLITE_PATH - '.d/start'.length;
const SQLITE_BUSY = 5;
const SQLITE_CANTOPEN = 14;
/** Milliseconds. A start holds the lock for about 1. Drawn anew for each try, so that waiters do not march in step. */
const RETRY_MIN = 2;
const RETRY_SPREAD = 8;

/**
 * Takes the lock of a path: whoever publishes, replaces or unlinks a socket there holds it, and nobody holds it while
 * serving. It is an exclusive transaction on an empty SQLite database, `<path>.d/lock`: exclusive between processes and
 * inside one, and freed by the kernel when its holder is killed. Waiting blocks nobody: it tries, and tries again.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_LOCKED` after `lockTimeout`, `SIMPLE_IPC_ABORTED` by the signal, what
 *   `prepareSidecar` throws, and `SIMPLE_IPC_LISTEN_FAILED` where files cannot be locked.
 */
export async function acquireLock(path: string, options: LockOptions): Promise<Lock> {
  const { name = 'lock', lockTimeout, signal } = options;
  const deadline = monotonicMs() + lockTimeout;
  if (Buffer.byteLength(path) > PATH_MAX) {
    throw pathTooLong(path, `a server's path has at most ${PATH_MAX}. Choose a shorter one.`);
  }
  for (;;) {
    throwIfAborted(path, signal);
    const attempt = tryLock(path, name);
    if ('release' in attempt) return attempt;
    const left = deadline - monotonicMs();
    if (left <= 0) throw locked(path, lockTimeout, attempt.cause);
    await pause(Math.min(left, RETRY_MIN + Math.random() * RETRY_SPREAD), path, signal);
  }
}

/** Removes the lock file of a client that was killed while it started a server. Who is at it removes that itself. */
export async function removeStartLock(path: string): Promise<void> {
  try {
    (await acquireLock(path, { name: 'start', lockTimeout: 0 })).release();
  } catch {
    // It is held, or cannot be had.
  }
}

/**
 * One try. As a holder removes the file with the lock, a lock may be had on a file that is at the path no more, while
 * another process has one on its successor: so it counts only if the file that was there before it was opened is there
 * still.
 */
function tryLock(path: string, name: string): Lock | { cause: unknown } {
  const sidecar = prepareSidecar(path);
  const file = join(sidecar, name);
  let pin: Pin | undefined;
  let database: DatabaseSync | undefined;
  let isHeld = false;
  try {
    pin = pinFile(file);
    if (pin === undefined) {
      open(file).close();
      pin = pinFile(file);
    }
    database = open(file);
    // The journal would be a second file, which a kill leaves behind. Nothing is ever written that could need it.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    isHeld = pin !== undefined && isSame(pin.identity, identityAt(file));
    if (pin === undefined || !isHeld) return { cause: undefined };
    const held = { sidecar, file, identity: pin.identity, database };
    return { sidecar, release: once(() => release(held)) };
  } catch (error) {
    if (resultOf(error) === SQLITE_CANTOPEN) checkRoom(path, sidecar);
    if (isTransient(error)) return { cause: error };
    throw cannotLock(path, file, error);
  } finally {
    pin?.close();
    if (!isHeld) database?.close();
  }
}

function open(file: string): DatabaseSync {
  return new (loadSqlite().DatabaseSync)(file, { timeout: 0 });
}

/** Held by another; or its directory was removed between two steps. */
function isTransient(error: unknown): boolean {
  const result = resultOf(error);
  if (result === undefined) return errnoOf(error) === 'ENOENT';
  return result === SQLITE_BUSY || result === SQLITE_CANTOPEN;
}

/** SQLite's primary result code, where the error is SQLite's. */
function resultOf(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' ? errcode & 0xff : undefined;
}

/** SQLite does not say what keeps it from making a file: a full disk, or one that cannot be written, is no rival. */
function checkRoom(path: string, sidecar: string): void {
  try {
    rmdirSync(mkdtempSync(join(sidecar, 'room-')));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    removeSidecar(sidecar);
    throw cannotPrepare(path, sidecar, error);
  }
}

interface Pin {
  readonly identity: Identity;
  close(): void;
}

/**
 * Which file it is, and for as long as the pin is kept, no other file gets its inode. Only Linux can pin a file without
 * opening it. Opening it is out of the question: closing any descriptor of a file drops all locks that this process
 * has on it (POSIX). Elsewhere the time of birth must do; APFS does not use an inode's number twice anyway.
 */
function pinFile(file: string): Pin | undefined {
  if (process.platform !== 'linux') {
    const identity = identityAt(file);
    return identity && { identity, close() {} };
  }
  try {
    const descriptor = openSync(file, O_PATH | constants.O_NOFOLLOW);
    return { identity: fstatSync(descriptor, { bigint: true }), close: () => closeSync(descriptor) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * While the lock is held nobody else removes the file; who finds it gone makes a new one. The directory goes last, since
 * network file systems keep a deleted file in it while it is open. If a new lock is in it by then, it stays.
 */
function release(held: { sidecar: string; file: string; identity: Identity; database: DatabaseSync }): void {
  const { sidecar, file, identity, database } = held;
  // Windows removes no file that a database has open. Who has opened it meanwhile keeps it so, and removes it in turn.
  if (process.platform === 'win32') database.close();
  try {
    if (isSame(identity, identityAt(file))) unlinkSync(file);
  } catch {
    // Somebody took it away, which is what was wanted.
  }
  if (process.platform !== 'win32') database.close();
  removeSidecar(sidecar);
}

function once(run: () => void): () => void {
  let hasRun = false;
  return () => {
    if (hasRun) return;
    hasRun = true;
    run();
  };
}
