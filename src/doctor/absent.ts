import { SimpleIpcError } from '../runtime/errors.ts';
import { instancesAt } from '../runtime/rendezvous/instances.ts';
import { sidecarOf } from '../runtime/rendezvous/sidecar.ts';
import type { FoundInstance } from '../runtime/rendezvous/status.ts';
import { fatal } from './findings.ts';
import { conditionOf, livingOf, ofProcess } from './living.ts';
import type { Finding, Scene } from './types.ts';

/** Why nothing stands at the path: a server may live nonetheless. */
export async function whereNothingStands(scene: Scene): Promise<Finding> {
  const { timeout } = scene;
  const { absolute } = scene.endpoint;
  let instances: FoundInstance[];
  try {
    instances = instancesAt(absolute);
  } catch (error) {
    if (!(error instanceof SimpleIpcError) || error.code !== 'SIMPLE_IPC_UNTRUSTED_PATH')
      return nothing(scene);
    const detail = `nothing stands there, and no server can start: ${error.message}`;
    return fatal('sidecar-untrusted', detail, { FILE: sidecarOf(absolute) });
  }
  const [living] = livingOf(instances);
  if (living === undefined) return nothing(scene);
  const { pid } = living;
  scene.pid = pid;
  // It has the directory of this instance, and is the very process that made it.
  scene.isProved = true;
  const condition = await conditionOf(living, timeout);
  if (condition.process === 'stopped') {
    return fatal('process-stopped', `nothing stands there; the process of a server (pid ${pid}) is stopped`);
  }
  switch (condition.state) {
    case 'starting':
      return fatal('nothing-there', `nothing stands there yet: a server (pid ${pid}) is starting`);
    case 'accepting':
    case 'listening':
      return fatal(
        'path-lost',
        `nothing stands there, and a server (pid ${pid}) still listens: its socket was deleted${ofProcess(condition, timeout)}`,
      );
    default: {
      const detail = `nothing stands there: a server (pid ${pid}) has given the path up, and is ending`;
      return fatal(
        'draining',
        `${detail}${ofProcess(condition, timeout)}`,
        {},
        condition.process === 'hangs' ? END_BY_FORCE : undefined,
      );
    }
  }
}

/** Nobody need wait for one that hangs. */
const END_BY_FORCE = 'End it (pid PID): simple-ipc stop PATH --force; and start it again if it should run.';

function nothing({ isDirectoryClosed }: Scene): Finding {
  return fatal(
    'nothing-there',
    'nothing stands there, and nothing says that a server lives',
    {},
    isDirectoryClosed ? CLOSED : undefined,
  );
}

const CLOSED =
  "Check the path; this user can't make a socket in DIRECTORY: start the server as a user who may write there, or use a " +
  'path in a directory of your own.';
