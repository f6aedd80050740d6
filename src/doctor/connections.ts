import { reasonOf } from '../runtime/errors.ts';
import { failed, fatal, ok, unknown } from './findings.ts';
import { waitingAt } from './kernel.ts';
import type { Finding, Scene } from './types.ts';
import { visit, type Visit } from './visit.ts';

/** How often to look whether a connection was accepted, in milliseconds. */
const LOOK = 5;
/** The part of the time-out for which a connection has to stay open once it was accepted. */
const STAY = 0.1;

/** Whether a connection is accepted, and kept: one is made, on which nothing is said. */
export async function checkConnections(scene: Scene): Promise<Finding> {
  const connection = await visit(scene.target);
  try {
    if (connection.failure !== undefined) {
      return unknown(`a second connection could not be made (${reasonOf(connection.failure)})`);
    }
    return await watch(connection, scene);
  } finally {
    connection.leave();
  }
}

async function watch(connection: Visit, scene: Scene): Promise<Finding> {
  const { timeout, boundAs } = scene;
  const made = performance.now();
  let acceptedAt: number | undefined;
  for (;;) {
    if (connection.said !== '') return speaksFirst(connection.said);
    if (connection.isClosed) return closesAtOnce(scene);
    const waiting = waitingAt(boundAs);
    const now = performance.now();
    if (waiting === undefined || waiting === 0) acceptedAt ??= now;
    if (acceptedAt !== undefined && now - acceptedAt >= timeout * STAY) return keeps(waiting);
    if (acceptedAt === undefined && now - made >= timeout) return acceptsNone(scene, waiting!);
    await connection.wait(LOOK);
  }
}

function keeps(waiting: number | undefined): Finding {
  if (waiting !== undefined) return ok('it accepts connections and keeps them');
  return unknown('a connection stays open; whether it was accepted is not to be seen from here');
}

function speaksFirst(said: string): Finding {
  return fatal('not-simple-ipc', `it speaks before it is asked: ${JSON.stringify(said)}`);
}

function closesAtOnce({ lacksDescriptors }: Scene): Finding {
  if (lacksDescriptors)
    return fatal('out-of-descriptors', 'it closes connections at once, for want of descriptors');
  // The control endpoint may know better.
  return failed('connections-refused', 'it closes connections at once');
}

function acceptsNone(scene: Scene, waiting: number): Finding {
  const detail = `${waiting} connection${waiting === 1 ? '' : 's'} waited for ${scene.timeout} ms to be accepted`;
  if (scene.lacksDescriptors) return fatal('out-of-descriptors', `${detail}, for want of descriptors`);
  return hangs(scene, detail);
}

/** It does nothing in time; why, can be seen where its process is. */
export function hangs(scene: Scene, detail: string): Finding {
  return fatal(scene.process === 'elsewhere' ? 'another-namespace' : 'process-hangs', detail);
}
