import { chmodSync, renameSync } from 'node:fs';
import type { Server } from 'node:net';

import { errnoOf, SimpleIpcError } from '../errors.ts';
import { pipeOf, resolveEndpoint, type Endpoint } from './endpoint.ts';
import { addressInUse, listenFailed, permissionDenied, shell } from './errors.ts';
import { passGitLock } from './git-lock.ts';
import { identityAt, isSame, type Identity } from './identity.ts';
import { acquireLock, type Lock } from './lock.ts';
import { replaceableAt } from './occupant.ts';
import { published, publishedPipe, type Publication } from './publication.ts';
import { sweep } from './sidecar.ts';
import { stage } from './staging.ts';
import { throwIfAborted } from './wait.ts';

export type { Publication } from './publication.ts';

/** The steps of a publication, in their order: between any two of them it may be killed. */
export const PUBLISH_STEPS = [
  'locked',
  'swept',
  'looked',
  'staged',
  'bound',
  'restricted',
  'renamed',
  'unstaged',
  'unlocked',
] as const;
export type PublishStep = (typeof PUBLISH_STEPS)[number];

export interface PublishOptions {
  /** Connections that the kernel holds before they are accepted. */
  readonly backlog: number;
  /** How long to wait for another process that starts or stops a server here, in milliseconds. */
  readonly lockTimeout: number;
  /** Gives up the start when it aborts. Once the path is taken it has no effect any more. */
  readonly signal?: AbortSignal | undefined;
  /** Is told what is no error and should be known: in a sentence, with what to do. */
  readonly onNotice?: ((message: string) => void) | undefined;
  /** Is told each step that was made. For tests. */
  readonly onStep?: ((step: PublishStep) => void) | undefined;
}

/**
 * Has a server listen at a path, replacing the socket of one that is gone. The path appears at once, by a rename, with
 * mode 0600, and with a server behind it that listens. When it fails it leaves nothing behind, and the server closed.
 *
 * @throws {SimpleIpcError} What `resolveEndpoint`, `acquireLock` and `replaceableAt` throw;
 *   `SIMPLE_IPC_PERMISSION_DENIED` and `SIMPLE_IPC_LISTEN_FAILED` when the system does not let it.
 */
export async function publish(server: Server, path: string, options: PublishOptions): Promise<Publication> {
  const endpoint = resolveEndpoint(path);
  try {
    if (process.platform === 'win32') return await publishPipe(server, endpoint, options);
    const lock = await acquireLock(endpoint.absolute, options);
    let publication: Publication;
    try {
      options.onStep?.('locked');
      publication = await publishLocked(server, endpoint, lock, options);
    } finally {
      lock.release();
    }
    options.onStep?.('unlocked');
    return publication;
  } catch (error) {
    throw publishError(error, endpoint.absolute);
  }
}

async function publishLocked(
  server: Server,
  endpoint: Endpoint,
  lock: Lock,
  options: PublishOptions,
): Promise<Publication> {
  const { absolute, name } = endpoint;
  const { signal, onNotice = () => {}, onStep = () => {} } = options;
  sweep(lock.sidecar, onNotice);
  onStep('swept');
  await passGitLock(absolute, signal, onNotice);
  let occupant = await replaceableAt(endpoint, signal);
  throwIfAborted(absolute, signal);
  onStep('looked');

  const staging = stage(lock.sidecar, name, absolute);
  try {
    onStep('staged');
    await listen(server, () => staging.listen(server, options.backlog));
    onStep('bound');
    chmodSync(staging.socket, 0o600);
    onStep('restricted');
    // Who does not know our lock (git) may have taken the path since it was looked at.
    while (!isSame(occupant, identityAt(absolute))) {
      occupant = await replaceableAt(endpoint, signal);
    }
    throwIfAborted(absolute, signal);
    const identity = moveOnto(staging.socket, absolute);
    onStep('renamed');
    staging.remove();
    onStep('unstaged');
    return published(absolute, identity, options, staging.release);
  } catch (error) {
    await close(server);
    staging.remove();
    staging.release();
    throw error;
  }
}

/** After the rename nothing may fail any more: there may be clients. */
function moveOnto(socket: string, path: string): Identity {
  const staged = identityAt(socket)!;
  renameSync(socket, path);
  try {
    // Where a file system keeps no time of birth, Node gives the time of change, which the rename has set.
    const moved = identityAt(path);
    if (moved?.dev === staged.dev && moved.ino === staged.ino) return moved;
  } catch {
    // Then it is not this server's any more, and `stands` will say so.
  }
  return staged;
}

async function publishPipe(
  server: Server,
  endpoint: Endpoint,
  options: PublishOptions,
): Promise<Publication> {
  const { absolute } = endpoint;
  throwIfAborted(absolute, options.signal);
  const pipe = { path: pipeOf(absolute), backlog: options.backlog, exclusive: true };
  await listen(server, () => server.listen(pipe));
  try {
    throwIfAborted(absolute, options.signal);
  } catch (error) {
    await close(server);
    throw error;
  }
  return publishedPipe(absolute);
}

/** Resolves when the server listens, rejects when it can't. */
function listen(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      server.off('listening', settle);
      server.off('error', settle);
      if (error) reject(error);
      else resolve();
    };
    server.once('listening', settle);
    server.once('error', settle);
    try {
      start();
    } catch (error) {
      settle(error as Error);
    }
  });
}

/** Resolves when the server has closed, if it was open at all. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}

/** A failure of the system, as one of ours. */
function publishError(error: unknown, path: string): SimpleIpcError {
  if (error instanceof SimpleIpcError) return error;
  switch (errnoOf(error)) {
    case 'EADDRINUSE':
      return addressInUse(path);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return permissionDenied(path, `The socket ${shell(path)} cannot be made or replaced`, error);
    default:
      return listenFailed(path, error);
  }
}
