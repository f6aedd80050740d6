import type { BigIntStats } from 'node:fs';

import { errnoOf } from '../errors.ts';
import type { Endpoint } from './endpoint.ts';
import {
  addressInUse,
  invalidPath,
  kindOf,
  listenFailed,
  networkFileSystem,
  notTakeable,
  permissionDenied,
  shell,
} from './errors.ts';
import { isHandedIn } from './held.ts';
import type { Identity } from './identity.ts';
import { instanceAt } from './instances.ts';
import { knock } from './knock.ts';
import { networkFileSystemOf } from './network.ts';
import type { InstanceStatus } from './status.ts';
import { fs } from '../builtins.ts';

const { lstatSync } = fs;

/** How long a server may take to be found alive, in milliseconds. Only a Unix that waits in `connect` needs it. */
const KNOCK_TIMEOUT = 1000;

/** A socket that may be replaced. */
export interface Occupant {
  readonly socket: Identity;
  /** The server that lives behind it, and is to be taken over. */
  readonly server: InstanceStatus | undefined;
}

/**
 * Looks at what stands at a path that a server wants. Returns for nothing (`undefined`), for the socket of a server
 * that is gone, and with `takeover` for that of a server of this library that can be told to go.
 *
 * @throws {SimpleIpcError} For everything else, and that stays: `SIMPLE_IPC_INVALID_PATH` for what is no socket,
 *   `SIMPLE_IPC_ADDRESS_IN_USE` for a server that lives, `SIMPLE_IPC_NETWORK_FILE_SYSTEM` for a socket whose server
 *   may live on another machine, `SIMPLE_IPC_PERMISSION_DENIED` for one that may not be looked at;
 *   `SIMPLE_IPC_ABORTED` by the signal.
 */
export async function replaceableAt(
  endpoint: Endpoint,
  takeover: boolean,
  signal: AbortSignal | undefined,
): Promise<Occupant | undefined> {
  const { absolute, directory } = endpoint;
  const stats = look(absolute);
  if (stats === undefined) return undefined;
  if (!stats.isSocket()) throw invalidPath(absolute, kindOf(stats));

  const error = await knock(absolute, { timeout: KNOCK_TIMEOUT, signal });
  switch (errnoOf(error)) {
    case 'ECONNREFUSED':
      break;
    case 'ENOENT':
      return undefined;
    // Its server ended before it had accepted: what is left of it is to be seen.
    case 'ECONNRESET':
      return replaceableAt(endpoint, takeover, signal);
    case undefined:
    // Its backlog is full; or it takes its time. Either way somebody is there.
    case 'EAGAIN':
    case 'ETIMEDOUT':
      if (takeover) return { socket: stats, server: takeable(absolute) };
      throw addressInUse(absolute);
    case 'EPROTOTYPE':
      throw invalidPath(absolute, 'a socket of another type, in use', error);
    case 'EACCES':
    case 'EPERM':
      throw permissionDenied(absolute, `Whether a server lives at ${shell(absolute)} cannot be seen`, error);
    default:
      throw listenFailed(absolute, error);
  }
  const network = await networkFileSystemOf(directory);
  if (network !== undefined) throw networkFileSystem(absolute, network, error);
  return { socket: stats, server: undefined };
}

/** The server that is taken over has to learn of it: from us, or by looking at its path. */
function takeable(path: string): InstanceStatus {
  const status = instanceAt(path);
  if (status === undefined)
    throw notTakeable(path, 'it says nothing of itself, so it is not of this library');
  if (isHandedIn(status))
    throw notTakeable(
      path,
      'its socket is that of a service manager, which would go on with one that nobody reaches',
    );
  if (status.control !== null || status.pathCheckInterval > 0) return status;
  throw notTakeable(path, 'it cannot be told: it has no control endpoint, and never looks at its path');
}

function look(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    throw permissionDenied(path, `${shell(path)} cannot be looked at`, error);
  }
}
