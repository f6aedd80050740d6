import { join, resolve } from 'node:path';

import { errnoOf } from '../errors.ts';
import { pipeOf, split } from './endpoint.ts';
import { permissionDenied, shell } from './errors.ts';
import { identityAt, type Identity } from './identity.ts';
import { CONTROL } from './instance.ts';
import { hasEnded } from './process-state.ts';
import { checkSidecar, sidecarOf } from './sidecar.ts';
import {
  identityToJson,
  pidInName,
  readInstance,
  type FoundInstance,
  type InstanceStatus,
  type KnownInstance,
  type SocketIdentity,
} from './status.ts';
import { fs } from '../builtins.ts';

const { readdirSync, readlinkSync, realpathSync } = fs;

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
 * The instance whose socket stands at the path.
 *
 * @throws {SimpleIpcError} As `instancesAt`.
 */
export function ownerAt(path: string): KnownInstance | undefined {
  return ownerAmong(instancesAt(path));
}

/**
 * The one of them whose socket stands at the path. Several may share one that was handed in: then the newest one whose process
 * lives, as on Windows, where no file says whose the pipe is.
 */
export function ownerAmong(found: readonly FoundInstance[]): KnownInstance | undefined {
  const [owner, ...others] = known(found.filter(({ owns }) => owns)).toSorted(newestFirst);
  if (others.length === 0) return owner;
  return [owner!, ...others].find(({ status }) => !hasEnded(status)) ?? owner;
}

/** The status of `ownerAt`. */
export function instanceAt(path: string): InstanceStatus | undefined {
  return ownerAt(path)?.status;
}

/** Those of them that have a status. */
export function known(found: readonly FoundInstance[]): KnownInstance[] {
  return found.filter((instance): instance is KnownInstance => instance.status !== undefined);
}

export function newestFirst(a: KnownInstance, b: KnownInstance): number {
  return b.status.startedAt - a.status.startedAt;
}

/** More links on a path than this are ELOOP on Linux. */
const MOST_LINKS = 40;

/** Where the links at the end of an absolute path lead, which `connect` follows; also where nothing stands there now. */
export function followLinks(path: string): string {
  let place = path;
  for (let links = 0; links < MOST_LINKS && process.platform !== 'win32'; links++) {
    try {
      const link = readlinkSync(place);
      place = resolve(realpathSync(split(place).directory), link);
    } catch {
      // No link, or nothing at all.
      return place;
    }
  }
  return path;
}

function findInstance(directory: string, path: string, socket: Identity | undefined): FoundInstance {
  const { status: written, problem } = readInstance(directory);
  if (written === undefined) return { directory, status: written, problem, owns: false };
  const hasSocket = process.platform !== 'win32' && written.control !== null;
  const status = hasSocket ? { ...written, control: join(directory, CONTROL) } : written;
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
