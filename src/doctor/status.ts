import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { reasonOf, SimpleIpcError } from '../runtime/errors.ts';
import { split } from '../runtime/rendezvous/endpoint.ts';
import { shell } from '../runtime/rendezvous/errors.ts';
import { instancesAt, ownerAmong } from '../runtime/rendezvous/instances.ts';
import { isProvedInstance } from '../runtime/rendezvous/held.ts';
import { processState } from '../runtime/rendezvous/process-state.ts';
import { sidecarOf } from '../runtime/rendezvous/sidecar.ts';
import {
  pidInName,
  STATUS_FILES,
  type FoundInstance,
  type InstanceStatus,
  type KnownInstance,
} from '../runtime/rendezvous/status.ts';
import { failed, ok, unknown, warning } from './findings.ts';
import { holderOf, listeningNames, showsDescriptors } from './kernel.ts';
import { livingOf } from './living.ts';
import type { Finding, Scene } from './types.ts';

/** Whose the socket is: what the status of the instance that owns it says, and whether that is true. */
export function checkStatus(scene: Scene): Finding {
  let instances: FoundInstance[];
  try {
    instances = instancesAt(scene.target);
  } catch (error) {
    findHolder(scene);
    return unreadable(scene.target, error);
  }
  const owner = ownerAmong(instances);
  scene.strays = livingOf(instances.filter(({ owns }) => !owns));
  const finding = owner === undefined ? withoutOwner(scene, instances) : ofOwner(scene, owner);
  if (finding.mark === 'ok' && scene.strays.length > 0) {
    const others = scene.strays.map(({ pid }) => `pid ${pid}`).join(', ');
    return warning(
      `${finding.detail}; another server, which had the path before, has not ended yet (${others})`,
    );
  }
  return finding;
}

/** Where it is this user's server, this keeps it from ever being replaced. */
function unreadable(target: string, error: unknown): Finding {
  const isOwn = process.platform !== 'win32' && statSync(target).uid === process.geteuid?.();
  if (isOwn && error instanceof SimpleIpcError && error.code === 'SIMPLE_IPC_UNTRUSTED_PATH') {
    return failed('sidecar-untrusted', error.message, { FILE: sidecarOf(target) });
  }
  return unknown(`its status is not for this user to see (${reasonOf(error)})`);
}

function withoutOwner(scene: Scene, instances: readonly FoundInstance[]): Finding {
  const { name } = split(scene.target);
  const names = listeningNames(name);
  // A socket of one of these directories listens; and if no other one can be the one at the path, it is.
  const liar = instances.find(({ directory }) => names.includes(join(directory, name)));
  if (liar !== undefined && !names.some((bound) => mayStandAt(scene.target, bound))) {
    scene.boundAs = join(liar.directory, name);
    findHolder(scene);
    const problem = liar.problem ?? 'it is of another socket than the one that stands there';
    return untrue(liar, problem);
  }
  const standing = names.filter((bound) => mayStandAt(scene.target, bound));
  if (standing.length > 0 || scene.strays.length > 0) {
    findHolder(scene);
    if (scene.strays.length > 0) {
      const others = scene.strays.map(({ pid }) => `pid ${pid}`).join(', ');
      return warning(`the socket is not that of the server that runs here (${others}): its path was taken`);
    }
    return warning(`no status beside it: it is not of this library, or its directory was removed; ${LOST}`);
  }
  const removed = names.filter((bound) => wasBoundBeside(scene.target, bound));
  // Where several are, one of them has lost the path, and which one is not to be seen.
  if (removed.length === 1) {
    scene.boundAs = removed[0]!;
    findHolder(scene);
    return {
      ...warning(`no status beside it: ${shell(dirname(scene.boundAs))} was removed; ${LOST}`),
      remedy: ANEW,
    };
  }
  if (removed.length > 1) return warning(`no status beside it: its directory was removed; ${LOST}`);
  findHolder(scene);
  return unknown('no status names this socket: it is of another kind of server, or was left by one');
}

const LOST = "status, stop and takeover can't reach it";
/** A server that has lost what stands beside its socket. */
const ANEW = 'Nothing, unless status or stop is to reach it: then start it anew (kill PID ends it).';

/** Whether a socket was bound in an instance's directory beside a path, as servers of this library do. */
function wasBoundBeside(path: string, bound: string): boolean {
  const instance = dirname(bound);
  const sidecar = dirname(instance);
  const { directory, name } = split(path);
  return (
    pidInName(basename(instance)) !== undefined &&
    basename(sidecar) === basename(sidecarOf(name)) &&
    realPath(dirname(sidecar)) === realPath(directory)
  );
}

/** Whether a socket that was bound by some name may be the one at a path, as others than servers of this library bind. */
function mayStandAt(path: string, bound: string): boolean {
  const { directory } = split(bound);
  // Relative to the directory of another process, or to a descriptor of it: that may be anywhere.
  if (!directory.startsWith('/') || directory.startsWith('/proc/')) return true;
  return realPath(directory) === realPath(split(path).directory);
}

function realPath(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
}

function ofOwner(scene: Scene, owner: KnownInstance): Finding {
  const { status } = owner;
  const state = processState(status);
  const listens = listeningNames(split(status.boundAs).name).includes(status.boundAs);
  scene.instance = status;
  scene.process = state;
  scene.boundAs = status.boundAs;
  const says = selfDescription(status);

  if (state === 'elsewhere')
    return unknown(`${says}, on ${status.host}: its process is not to be seen from here`);
  const isProved = isProvedInstance(owner, scene.target);
  if (isProved) {
    scene.pid = status.pid;
    scene.isProved = true;
    return ok(`${says}: that process is proved to be the one that listens`);
  }
  // Other threads of a process that is ending may have the socket open for an instant longer.
  if (!listens || state === 'zombie') {
    if (state === 'running' || state === 'stopped') scene.pid = status.pid;
    return process.platform === 'linux' && state !== 'running'
      ? ok(says)
      : unknown(`${says}: that it listens is not to be seen from here`);
  }
  // Somebody listens, and the process of the status has ended, or has no such socket.
  if ((state === 'running' || state === 'stopped') && !showsDescriptors(status.pid))
    return unknown(`${says}: what it has open is not to be seen by this user`);
  scene.instance = undefined;
  scene.process = undefined;
  if (state !== 'running' && status.boundAs === scene.target) {
    return unknown(`${says}: it has ended, and whoever had handed it the socket still listens`);
  }
  findHolder(scene);
  return untrue(owner, `it says ${says}, and that process does not have the socket that listens`);
}

function selfDescription({ program, version, pid, startedAt }: InstanceStatus): string {
  const name = version === null ? program : `${program} ${version}`;
  return `${name}, pid ${pid}, since ${new Date(startedAt).toISOString()}`;
}

/** Has the kernel say which process listens. */
function findHolder(scene: Scene): void {
  scene.pid = holderOf(scene.boundAs);
  scene.isProved = scene.pid !== undefined;
}

function untrue({ directory }: FoundInstance, problem: string): Finding {
  const file = join(directory, STATUS_FILES[0]!);
  if (!existsSync(file)) {
    const detail = `${shell(file)} is missing: ${LOST}`;
    return failed('status-untrue', detail, { FILE: file }, 'Start it anew (kill PID ends it).');
  }
  return failed('status-untrue', `${shell(file)} is not true: ${problem}`, { FILE: file });
}
