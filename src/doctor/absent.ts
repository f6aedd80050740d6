import { SimpleIpcError } from '../runtime/errors.ts';
import { instancesAt } from '../runtime/rendezvous/instances.ts';
import { isProvedListener, processState } from '../runtime/rendezvous/process-state.ts';
import { sidecarOf } from '../runtime/rendezvous/sidecar.ts';
import type { FoundInstance, InstanceStatus } from '../runtime/rendezvous/status.ts';
import { askState } from './control.ts';
import { fatal } from './findings.ts';
import type { Finding, Scene } from './types.ts';

/** Why nothing stands at the path: a server may live nonetheless. */
export async function whereNothingStands(scene: Scene): Promise<Finding> {
  const { absolute } = scene.endpoint;
  let instances: FoundInstance[];
  try {
    instances = instancesAt(absolute);
  } catch (error) {
    if (!(error instanceof SimpleIpcError) || error.code !== 'SIMPLE_IPC_UNTRUSTED_PATH') return nothing();
    const detail = `nothing stands there, and no server can start: ${error.message}`;
    return fatal('sidecar-untrusted', detail, { FILE: sidecarOf(absolute) });
  }
  const [living] = livingOf(instances);
  if (living === undefined) return nothing();
  const { pid } = living;
  scene.pid = pid;
  // It has the directory of this instance, and is the very process that made it.
  scene.isProved = true;
  if (processState(living) === 'stopped') {
    return fatal('process-stopped', `nothing stands there; the process of a server (pid ${pid}) is stopped`);
  }
  const state = await stateOf(living, scene.timeout);
  switch (state) {
    case 'starting':
      return fatal('nothing-there', `nothing stands there yet: a server (pid ${pid}) is starting`);
    case 'accepting':
    case 'listening':
      return fatal(
        'path-lost',
        `nothing stands there, and a server (pid ${pid}) still listens: its socket was deleted`,
      );
    default:
      return fatal(
        'draining',
        `nothing stands there: a server (pid ${pid}) has given the path up, and is ending`,
      );
  }
}

function nothing(): Finding {
  return fatal('nothing-there', 'nothing stands there, and nothing says that a server lives');
}

/** As its control endpoint says, or else as the kernel does. */
async function stateOf(status: InstanceStatus, timeout: number): Promise<string> {
  if (status.control !== null) {
    try {
      return await askState(status, timeout);
    } catch {
      // It may be ending just now.
    }
  }
  return isProvedListener(status) ? 'listening' : 'ending';
}

/**
 * The instances that have not ended: an instance takes its directory with it, so one whose very process lives is at
 * work. A pid alone would not do, it may be another's by now.
 */
export function livingOf(instances: readonly FoundInstance[]): InstanceStatus[] {
  return instances.flatMap(({ status }) => {
    if (status === undefined || status.processStartTime === null) return [];
    const state = processState(status);
    return state === 'running' || state === 'stopped' ? [status] : [];
  });
}
