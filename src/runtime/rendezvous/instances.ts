import { join } from 'node:path';

import { errnoOf } from '../errors.ts';
import { pipeOf } from './endpoint.ts';
import { permissionDenied, shell } from './errors.ts';
import { identityAt, type Identity } from './identity.ts';
import { checkSidecar, sidecarOf } from './sidecar.ts';
import {
  identityToJson,
  pidInName,
  readInstance,
  type FoundInstance,
  type InstanceStatus,
  type SocketIdentity,
} from './status.ts';
import { fs } from '../builtins.ts';

const { readdirSync } = fs;

/**
 * The instances of servers at a path, whether they live or are gone.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_UNTRUSTED_PATH` when others could have written there;
 *   `SIMPLE_IPC_PERMISSION_DENIED` when it cannot be read.
 */
export function instancesAt(path: string): FoundInstance[] {
  const sidecar = sidecarOf(path);
  let names: string[];
  try {
    checkSidecar(path, sidecar);
    names = readdirSync(sidecar);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [];
    if (errno === 'EACCES') throw permissionDenied(path, `${shell(sidecar)} cannot be read`, error);
    throw error;
  }
  const socket = identityOrNothing(path);
  return names
    .filter((name) => pidInName(name) !== undefined)
    .map((name) => findInstance(join(sidecar, name), path, socket));
}

/**
 * The status of the instance whose socket stands at the path; on Windows, of the newest one.
 *
 * @throws {SimpleIpcError} As `instancesAt`.
 */
export function instanceAt(path: string): InstanceStatus | undefined {
  return instancesAt(path)
    .filter(({ owns }) => owns)
    .map(({ status }) => status as InstanceStatus)
    .toSorted((a, b) => b.startedAt - a.startedAt)[0];
}

function findInstance(directory: string, path: string, socket: Identity | undefined): FoundInstance {
  const { status, problem } = readInstance(directory);
  if (status === undefined) return { directory, status, problem, owns: false };
  const owns =
    process.platform === 'win32'
      ? isSamePipe(status.boundAs, pipeOf(path))
      : status.socket !== null && isNamed(status.socket, socket);
  return { directory, status, problem, owns };
}

/** Windows takes no notice of case in the name of a pipe. */
function isSamePipe(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function identityOrNothing(path: string): Identity | undefined {
  try {
    return identityAt(path);
  } catch {
    return undefined;
  }
}

function isNamed(named: SocketIdentity, socket: Identity | undefined): boolean {
  if (socket === undefined) return false;
  const real = identityToJson(socket);
  return named.dev === real.dev && named.ino === real.ino && named.birthtimeNs === real.birthtimeNs;
}
