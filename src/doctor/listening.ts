import { setTimeout as sleep } from 'node:timers/promises';

import { errnoOf, reasonOf } from '../runtime/errors.ts';
import { knock } from '../runtime/rendezvous/knock.ts';
import { fatal, ok } from './findings.ts';
import { isMountPoint } from './kernel.ts';
import { conditionOf, ofProcess } from './living.ts';
import type { Finding, Scene } from './types.ts';

/** How long to wait before connecting again where the backlog is full, in milliseconds. */
const WAIT_STEP = 50;

/** Whether anybody listens: the kernel says so to who connects. */
export async function checkListening(scene: Scene): Promise<Finding> {
  const error = await knockUntilHeard(scene);
  switch (errnoOf(error)) {
    case undefined:
      if (error !== undefined) return couldNot(error);
      return ok('somebody listens, and the backlog has room');
    case 'ECONNREFUSED':
      return nobodyListens(scene);
    case 'ENOENT':
      return fatal('nothing-there', 'nothing stands there any more: its server has stopped just now');
    case 'EAGAIN':
    case 'EBUSY':
      return fatal(
        'backlog-full',
        `for ${scene.timeout} ms its backlog had no room: connections are not accepted`,
      );
    case 'EACCES':
    case 'EPERM':
      return fatal('permission-denied', `the system denies it (${reasonOf(error)})`);
    case 'EPROTOTYPE':
      return fatal('not-simple-ipc', 'it is a socket of another type: not of streams');
    default:
      return couldNot(error);
  }
}

function couldNot(error: unknown): Finding {
  return fatal('connect-failed', `the system could not connect (${reasonOf(error)})`);
}

/** A backlog that is full for an instant is no fault. */
async function knockUntilHeard({ target, timeout }: Scene): Promise<unknown> {
  const until = performance.now() + timeout;
  for (;;) {
    const error = await knock(target, { timeout });
    const isFull = errnoOf(error) === 'EAGAIN' || errnoOf(error) === 'EBUSY';
    if (!isFull || performance.now() + WAIT_STEP >= until) return error;
    await sleep(WAIT_STEP);
  }
}

async function nobodyListens({ network, target, strays, instance, timeout }: Scene): Promise<Finding> {
  if (network !== undefined) {
    return fatal(
      'network-file-system',
      `nobody on this machine listens, and other machines may share ${network}`,
    );
  }
  if (isMountPoint(target)) {
    return fatal('stale-mount', 'nobody listens, and the socket was mounted here by itself', {
      PATH: target,
    });
  }
  const [stray] = strays;
  if (stray !== undefined) {
    const detail = `nobody listens on this socket, and the one of pid ${stray.pid} is not at the path any more`;
    const its = ofProcess(await conditionOf(stray, timeout), timeout);
    // Links are for connects: stop looks beside the path that it is given.
    return fatal('path-lost', `${detail}${its}`, { PID: stray.pid, PATH: target });
  }
  if (instance === undefined) return fatal('stale-socket-no-status', 'nobody listens on it');
  return fatal('stale-socket', `nobody listens on it: ${instance.program} (pid ${instance.pid}) left it`);
}
