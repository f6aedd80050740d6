import { lstatSync, type BigIntStats } from 'node:fs';

import { errnoOf } from '../errors.ts';
import type { Endpoint } from './endpoint.ts';
import {
  addressInUse,
  invalidPath,
  kindOf,
  listenFailed,
  networkFileSystem,
  permissionDenied,
  shell,
} from './errors.ts';
import type { Identity } from './identity.ts';
import { knock } from './knock.ts';
import { networkFileSystemOf } from './network.ts';

/** How long a server may take to be found alive, in milliseconds. Only a Unix that waits in `connect` needs it. */
const KNOCK_TIMEOUT = 1000;

/**
 * Looks at what stands at a path that a server wants. Returns for nothing (`undefined`), and for the socket of a
 * server that is gone, which may be replaced.
 *
 * @throws {SimpleIpcError} For everything else, and that stays: `SIMPLE_IPC_INVALID_PATH` for what is no socket,
 *   `SIMPLE_IPC_ADDRESS_IN_USE` for a server that lives, `SIMPLE_IPC_NETWORK_FILE_SYSTEM` for a socket whose server
 *   may live on another machine, `SIMPLE_IPC_PERMISSION_DENIED` for one that may not be looked at;
 *   `SIMPLE_IPC_ABORTED` by the signal.
 */
export async function replaceableAt(
  endpoint: Endpoint,
  signal: AbortSignal | undefined,
): Promise<Identity | undefined> {
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
    case undefined:
    // Its backlog is full; or it takes its time. Either way somebody is there.
    case 'EAGAIN':
    case 'ETIMEDOUT':
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
  return stats;
}

function look(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    throw permissionDenied(path, `${shell(path)} cannot be looked at`, error);
  }
}
