import { reasonOf } from '../runtime/errors.ts';
import { hangs } from './connections.ts';
import { askState, isLate } from './control.ts';
import { fatal, ok, unknown, warning } from './findings.ts';
import type { Finding, Scene } from './types.ts';
import { visit } from './visit.ts';

/** Whether it answers in time: its control endpoint is asked, so that no handler runs. */
export async function checkAnswer(scene: Scene): Promise<Finding> {
  const { instance, timeout } = scene;
  if (instance === undefined || instance.control === null) {
    return unknown('it has no control endpoint that could be asked, and its handler is not for that');
  }
  const asked = performance.now();
  try {
    const state = await askState(instance, timeout);
    scene.hasAnswered = true;
    const detail = `its control endpoint has answered within ${Math.ceil(performance.now() - asked)} ms: it is ${state}`;
    return state === 'accepting' ? ok(detail) : fatal('draining', detail);
  } catch (error) {
    if (isLate(error)) return hangs(scene, `its control endpoint has not answered within ${timeout} ms`);
    return warning(`its control endpoint cannot be asked: ${reasonOf(error)}`);
  }
}

/** Four bytes that are no length of a packet: a server of Simple-IPC closes the connection, and says nothing. */
const MALFORMED = 'zzzz';

/** Whether it speaks pkt-line. */
export async function checkProtocol(scene: Scene): Promise<Finding> {
  if (!scene.deep) {
    if (scene.hasAnswered) return ok('its control endpoint speaks pkt-line');
    return unknown(
      'not tried: --deep sends it what is no pkt-line, which it would report as a protocol error',
    );
  }
  const { target, timeout } = scene;
  const connection = await visit(target);
  try {
    if (connection.failure !== undefined)
      return unknown(`it could not be tried (${reasonOf(connection.failure)})`);
    connection.send(MALFORMED);
    await connection.wait(timeout);
    if (connection.said !== '') {
      return fatal(
        'not-simple-ipc',
        `to ${MALFORMED}, which is no pkt-line, it answers ${JSON.stringify(connection.said)}`,
      );
    }
    if (connection.isClosed) {
      scene.hasAnswered = true;
      return ok(`it closes the connection at ${MALFORMED}, which is no pkt-line`);
    }
    return fatal(
      'not-simple-ipc',
      `it takes ${MALFORMED}, which is no pkt-line, and waits for more; or its workers hang`,
    );
  } finally {
    connection.leave();
  }
}
