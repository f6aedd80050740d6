import { dirname } from 'node:path';

import { errnoOf, reasonOf } from '../errors.ts';
import { shell } from './errors.ts';
import { identityAt, isSame, type Identity } from './identity.ts';
import type { Instance } from './instance.ts';
import { acquireLock, removeStartLock } from './lock.ts';
import { removeSidecar, sweep } from './sidecar.ts';
import { identityToJson, type InstanceStatus } from './status.ts';
import { fs } from '../builtins.ts';

const { unlinkSync } = fs;

/** A path that a server has taken. */
export interface Publication {
  /** The absolute path. */
  readonly path: string;
  /**
   * Whether the socket at the path is still this server's. One that was replaced or deleted never comes back. True also
   * when it can't be told: a server does not stop for a failed look.
   */
  stands(): Promise<boolean>;
  /**
   * Unlinks the socket if it is still this server's; who connects from then on finds nothing, or a successor. The server
   * goes on listening to those that have connected. Never rejects: what keeps it from it is told by `onNotice`, and
   * then the socket stays, for the next server to replace. Asked again, it does nothing more.
   */
  giveUp(): Promise<void>;
  /** What was written of this server; nothing where nothing could be. */
  readonly status: InstanceStatus | undefined;
  /** The server that listened at the path until now, and does not know yet that it is this one's. */
  readonly replaced: InstanceStatus | undefined;
  /** Others hold the socket as well, and it goes on taking connections when this server has closed it. */
  readonly isShared: boolean;
  /** To be called once the server has closed. */
  release(): void;
}

export interface PublicationOptions {
  readonly lockTimeout: number;
  readonly onNotice?: ((message: string) => void) | undefined;
}

/** The publication of the socket `identity` that was just renamed to `path`. */
export function published(
  path: string,
  identity: Identity,
  status: InstanceStatus,
  replaced: InstanceStatus | undefined,
  instance: Instance,
  options: PublicationOptions,
): Publication & { rewrite(identity: Identity): void } {
  let givenUp: Promise<void> | undefined;
  return {
    path,
    status,
    replaced,
    isShared: false,
    stands: () => stands(path, identity),
    giveUp: () => (givenUp ??= giveUp(path, identity, options)),
    release: () => release(instance),
    rewrite(moved) {
      try {
        instance.write({ ...status, socket: identityToJson(moved) });
      } catch (error) {
        options.onNotice?.(
          `The status of the server at ${shell(path)} could not be written (${reasonOf(error)}).`,
        );
      }
    },
  };
}

/**
 * A publication whose path is not this server's to watch or to give up: a pipe, which Windows removes with its last handle, and
 * whose name nobody can take before that; the socket of somebody else; or one in the directory of the server itself.
 *
 * @param instance - What goes with it; nothing where that goes with another.
 */
export function kept(
  path: string,
  {
    status,
    isShared = false,
    instance,
  }: {
    status?: InstanceStatus | undefined;
    isShared?: boolean;
    instance?: Instance | undefined;
  } = {},
): Publication {
  return {
    path,
    status,
    replaced: undefined,
    isShared,
    stands: async () => true,
    giveUp: async () => {},
    release: () => instance && release(instance),
  };
}

/** Removes an instance, and the sidecar unless others need it. Once all servers in it have closed. */
export function release(instance: Instance): void {
  instance.remove();
  instance.release();
  removeSidecar(dirname(instance.directory));
}

async function stands(path: string, identity: Identity): Promise<boolean> {
  try {
    return isSame(await fs.promises.lstat(path, { bigint: true }), identity);
  } catch (error) {
    const errno = errnoOf(error);
    return errno !== 'ENOENT' && errno !== 'ENOTDIR';
  }
}

async function giveUp(path: string, identity: Identity, options: PublicationOptions): Promise<void> {
  const { lockTimeout, onNotice } = options;
  try {
    // What is not its own now will never be again, and needs no lock to be left alone.
    if (!isSame(identityAt(path), identity)) return;
    const lock = await acquireLock(path, { lockTimeout });
    try {
      if (isSame(identityAt(path), identity)) unlinkSync(path);
      // Such as of a server that this one has replaced, and that was killed before it had ended.
      sweep(lock.sidecar, onNotice ?? (() => {}));
      await removeStartLock(path);
    } finally {
      lock.release();
    }
  } catch (error) {
    onNotice?.(
      `The socket ${shell(path)} was left where it is (${reasonOf(error)}). ` +
        'The next server here replaces it; until then clients find that nobody listens.',
    );
  }
}
