import type { Server } from 'node:net';

import { errnoOf, SimpleIpcError } from '../errors.ts';
import { pipeOf, resolveEndpoint, type Endpoint } from './endpoint.ts';
import { addressInUse, listenFailed, noTakeover, pathTooLong, permissionDenied, shell } from './errors.ts';
import { passGitLock } from './git-lock.ts';
import { identityAt, isSame, type Identity } from './identity.ts';
import { makeInstance, type Instance } from './instance.ts';
import { knock } from './knock.ts';
import { close, listen } from './listen.ts';
import { acquireLock, type Lock } from './lock.ts';
import { replaceableAt } from './occupant.ts';
import { published, kept, type Publication } from './publication.ts';
import { sweep } from './sidecar.ts';
import { statusOf } from './status.ts';
import { throwIfAborted } from './wait.ts';
import { fs } from '../builtins.ts';

const { chmodSync, renameSync } = fs;

export type { Publication } from './publication.ts';

/** How long a pipe may take to answer, in milliseconds. Windows waits where all of a pipe's instances are taken. */
const PIPE_PATIENCE = 1000;

/** The steps of a publication, in their order: between any two of them it may be killed. */
export const PUBLISH_STEPS = [
  'locked',
  'swept',
  'looked',
  'made',
  'bound',
  'restricted',
  'prepared',
  'written',
  'renamed',
  'unlocked',
] as const;
export type PublishStep = (typeof PUBLISH_STEPS)[number];

export interface PublishOptions {
  /** Connections that the kernel holds before they are accepted. */
  readonly backlog: number;
  /** How long to wait for another process that starts or stops a server here, in milliseconds. */
  readonly lockTimeout: number;
  /** What is written into the instance's status. */
  readonly identity: ServerIdentity;
  /** Replaces a server that lives, if it is one of this library: `replaced` says which, and it is still to be told. */
  readonly takeover?: boolean | undefined;
  /** Gives up the start when it aborts. Once the path is taken it has no effect any more. */
  readonly signal?: AbortSignal | undefined;
  /** Is told what is no error and should be known: in a sentence, with what to do. */
  readonly onNotice?: ((message: string) => void) | undefined;
  /** Has the control endpoint listen in the instance, before the socket appears. */
  readonly prepare?: ((instance: Instance) => Promise<Prepared>) | undefined;
  /** Is told each step that was made. For tests. */
  readonly onStep?: ((step: PublishStep) => void) | undefined;
}

/** A control endpoint that listens. */
export interface Prepared {
  readonly path: string;
  close(): Promise<void>;
}

/** Who a server says it is. */
export interface ServerIdentity {
  readonly program: string;
  readonly version: string | null;
  readonly pathCheckInterval: number;
  readonly log: string | null;
}

/**
 * Has a server listen at a path, replacing the socket of one that is gone. The path appears at once, by a rename, with
 * mode 0600, with a server behind it that listens, and with a status that says whose it is. When it fails it leaves nothing
 * behind, and the server closed.
 *
 * @throws {SimpleIpcError} What `resolveEndpoint`, `acquireLock`, `replaceableAt` and `prepare` throw;
 *   `SIMPLE_IPC_PERMISSION_DENIED` and `SIMPLE_IPC_LISTEN_FAILED` when the system does not let it.
 */
export async function publish(server: Server, path: string, options: PublishOptions): Promise<Publication> {
  const endpoint = resolveEndpoint(path);
  try {
    const lock = await acquireLock(endpoint.absolute, options);
    let publication: Publication;
    try {
      options.onStep?.('locked');
      sweep(lock.sidecar, options.onNotice ?? (() => {}));
      options.onStep?.('swept');
      const take = process.platform === 'win32' ? publishPipe : publishSocket;
      publication = await take(server, endpoint, lock, options);
    } finally {
      lock.release();
    }
    options.onStep?.('unlocked');
    return publication;
  } catch (error) {
    throw publishError(error, endpoint.absolute);
  }
}

async function publishSocket(
  server: Server,
  endpoint: Endpoint,
  lock: Lock,
  options: PublishOptions,
): Promise<Publication> {
  const { absolute, name } = endpoint;
  const { signal, onNotice = () => {}, onStep = () => {}, takeover = false } = options;
  await passGitLock(absolute, signal, onNotice);
  let occupant = await replaceableAt(endpoint, takeover, signal);
  throwIfAborted(absolute, signal);
  onStep('looked');

  const instance = makeInstance(lock.sidecar, absolute);
  let control: Prepared | undefined;
  try {
    onStep('made');
    let boundAs = '';
    await listen(server, () => (boundAs = instance.listen(server, name, options.backlog)));
    onStep('bound');
    const staged = instance.pathOf(name);
    chmodSync(staged, 0o600);
    onStep('restricted');
    control = await options.prepare?.(instance);
    onStep('prepared');
    // Who does not know our lock (git) may have taken the path since it was looked at.
    while (!isSame(occupant?.socket, identityAt(absolute))) {
      occupant = await replaceableAt(endpoint, takeover, signal);
    }
    throwIfAborted(absolute, signal);
    const before = identityAt(staged)!;
    const status = statusOf(
      { path: absolute, boundAs, control: control?.path ?? null, ...options.identity },
      before,
    );
    instance.write(status);
    onStep('written');
    const identity = moveOnto(staged, absolute, before);
    const publication = published(absolute, identity, status, occupant?.server, instance, options);
    // Where a file system keeps no time of birth, that is another now.
    if (!isSame(before, identity)) publication.rewrite(identity);
    onStep('renamed');
    return publication;
  } catch (error) {
    // The names that they were bound to lead somewhere else when the instance is released.
    await Promise.all([close(server), control?.close()]);
    instance.remove();
    instance.release();
    throw error;
  }
}

/** After the rename nothing may fail any more: there may be clients. */
function moveOnto(socket: string, path: string, staged: Identity): Identity {
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

/** A pipe stands in no directory: it is there with the server that listens. */
async function publishPipe(
  server: Server,
  endpoint: Endpoint,
  lock: Lock,
  options: PublishOptions,
): Promise<Publication> {
  const { absolute } = endpoint;
  const { signal, onStep = () => {} } = options;
  if (options.takeover === true) throw noTakeover(absolute);
  const pipe = pipeOf(absolute);
  // Who does not answer in time is there as well.
  const answer = errnoOf(await knock(absolute, { timeout: PIPE_PATIENCE, signal }));
  if (answer === undefined || answer === 'ETIMEDOUT' || answer === 'EBUSY') throw addressInUse(absolute);
  throwIfAborted(absolute, signal);
  onStep('looked');
  const instance = makeInstance(lock.sidecar, absolute);
  let control: Prepared | undefined;
  try {
    onStep('made');
    control = await options.prepare?.(instance);
    onStep('prepared');
    const status = statusOf(
      { path: absolute, boundAs: pipe, control: control?.path ?? null, ...options.identity },
      undefined,
    );
    instance.write(status);
    onStep('written');
    await listen(server, () => server.listen({ path: pipe, backlog: options.backlog, exclusive: true }));
    throwIfAborted(absolute, signal);
    onStep('bound');
    return kept(absolute, { status, instance });
  } catch (error) {
    await Promise.all([close(server), control?.close()]);
    instance.remove();
    throw error;
  }
}

/** A failure of the system, as one of ours. */
export function publishError(error: unknown, path: string): SimpleIpcError {
  if (error instanceof SimpleIpcError) return error;
  switch (errnoOf(error)) {
    case 'EADDRINUSE':
      return addressInUse(path);
    // Of a pipe, whose name is longer than its path.
    case 'ENAMETOOLONG':
      return pathTooLong(path, 'the system takes no such name. Choose a shorter path.', error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return permissionDenied(path, `The socket ${shell(path)} cannot be made or replaced`, error);
    default:
      return listenFailed(path, error);
  }
}
