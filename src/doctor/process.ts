import { RESERVE } from '../runtime/descriptors.ts';
import { processStat } from '../runtime/proc.ts';
import { isAlive } from '../runtime/rendezvous/process-state.ts';
import { identityAt, isSame } from '../runtime/rendezvous/identity.ts';
import { fatal, ok, skipped, unknown, warning } from './findings.ts';
import { descriptorsOf, mountNamespaceOf } from './kernel.ts';
import type { Finding, Scene } from './types.ts';

/** Whether the process of the server lives, and is not stopped. */
export function checkProcess(scene: Scene): Finding {
  const { pid, instance } = scene;
  if (scene.process === 'elsewhere') return unknown('it is in another pid namespace, or on another machine');
  if (scene.process === 'zombie' || scene.process === 'gone') return ended(instance!.pid, scene.process);
  if (pid === undefined) return unknown('which process listens is not to be seen from here');
  const stat = processStat(pid);
  switch (stat?.state) {
    case undefined:
      return unknown(`pid ${pid}: its state is not to be seen from here`);
    case 'T':
      return fatal('process-stopped', `pid ${pid} is stopped by a signal`, { PID: pid });
    case 't':
      return fatal('process-stopped', `pid ${pid} is stopped by a debugger`, { PID: pid });
    default:
      return ok(`pid ${pid} runs`);
  }
}

function ended(pid: number, state: 'zombie' | 'gone'): Finding {
  if (state === 'zombie') {
    const parent = processStat(pid)?.parent;
    return warning(`pid ${pid} has ended, and its parent (pid ${parent}) has not asked how: a zombie`);
  }
  return warning(`pid ${pid} is gone${isAlive(pid) ? ': its number is that of another process now' : ''}`);
}

/** Whether the server and this process see the same files and processes. */
export function checkNamespaces({ pid, instance, process: state, target }: Scene): Finding {
  if (state === 'elsewhere') {
    return unknown(
      `it is in another pid namespace, or on another machine: ${instance!.pidNamespace}, ${instance!.host}`,
    );
  }
  if (state === 'gone' || state === 'zombie') return skipped('its process has ended');
  if (pid === undefined) return unknown('where its process is, is not to be seen from here');
  const [its, own] = [mountNamespaceOf(pid), mountNamespaceOf('self')];
  if (its === undefined || own === undefined)
    return unknown(`those of pid ${pid} are not to be seen by this user`);
  if (its === own) return ok(`pid ${pid} sees the same processes and mounts`);
  const path = instance?.path ?? target;
  return seesTheSame(pid, path, target)
    ? ok(`pid ${pid} is in another mount namespace, where its path leads to the same socket`)
    : warning(
        `pid ${pid} is in another mount namespace, where its path leads elsewhere: it may take it for lost`,
      );
}

function seesTheSame(pid: number, path: string, target: string): boolean {
  try {
    return isSame(identityAt(`/proc/${pid}/root${path}`), identityAt(target));
  } catch {
    return false;
  }
}

/** Whether the process can accept connections. Whether it suffers from it, the check of connections says. */
export function checkDescriptors(scene: Scene): Finding {
  const { pid } = scene;
  const found = pid === undefined ? undefined : descriptorsOf(pid);
  if (found === undefined) return unknown('how many descriptors it has open is not to be seen from here');
  const detail = `pid ${pid} has ${found.open} of ${found.limit} descriptors open`;
  scene.lacksDescriptors = found.open >= found.limit - RESERVE;
  return scene.lacksDescriptors ? warning(detail) : ok(detail);
}
