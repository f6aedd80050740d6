import { isMissing, request } from '../runtime/client.ts';
import { reasonOf, SimpleIpcError } from '../runtime/errors.ts';
import { connectError } from '../runtime/rendezvous/connect-error.ts';
import { resolveEndpoint } from '../runtime/rendezvous/endpoint.ts';
import { shell } from '../runtime/rendezvous/errors.ts';
import { isDeadInstance } from '../runtime/rendezvous/held.ts';
import { followLinks, instancesAt, known, newestFirst, ownerAt } from '../runtime/rendezvous/instances.ts';
import { knock } from '../runtime/rendezvous/knock.ts';
import { processState } from '../runtime/rendezvous/process-state.ts';
import type { InstanceStatus, KnownInstance } from '../runtime/rendezvous/status.ts';
import type { IpcResponse, RequestOptions } from '../runtime/types.ts';
import type { ControlWord, LiveStatus } from './types.ts';

/** How long to wait for a server that does not get round to answering, in milliseconds, unless it is said. */
export const PATIENCE = 5_000;

/** How often a server that listens is looked for among the instances: while it takes the path it may be missed. */
const LOOKS = 3;

/** The absolute path of a socket, which stands there itself. */
export function socketPath(path: string): string {
  return followLinks(resolveEndpoint(path).absolute);
}

/**
 * The instance of the server at a path.
 *
 * @throws {SimpleIpcError} What a request to the path would meet where nobody listens there; `SIMPLE_IPC_NO_CONTROL` for a
 *   server that says nothing of itself; and what `ownerAt` throws.
 */
export async function instanceOf(path: string): Promise<KnownInstance> {
  const absolute = socketPath(path);
  for (let look = 0; look < LOOKS; look++) {
    const instance = ownerAt(absolute);
    if (instance !== undefined) return instance;
    const error = await knock(absolute, { timeout: PATIENCE });
    if (error !== undefined) throw connectError(error, path);
    // Somebody listens. It may have come since, or between the look at the instances and the one at the socket.
  }
  throw noControl(
    path,
    'has written nothing of itself: it is not of this library, or its directory was removed',
  );
}

/**
 * As `instanceOf`; where nobody listens at the path, the newest server that has given it up, or has lost it, and is still to
 * end.
 */
export async function instanceOrEnding(path: string): Promise<KnownInstance> {
  try {
    return await instanceOf(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    const [newest] = livingAt(socketPath(path));
    if (newest === undefined) throw error;
    return newest;
  }
}

/** The instances at an absolute path that have not ended, as far as can be seen from here; the newest first. */
export function livingAt(absolute: string): KnownInstance[] {
  return known(instancesAt(absolute))
    .filter((instance) => {
      // One that was elsewhere may be gone there, and nobody here could tell.
      const state = processState(instance.status);
      return (state === 'running' || state === 'stopped') && !isDeadInstance(instance, instance.owns);
    })
    .toSorted(newestFirst);
}

/** Asks a server's control endpoint. Its answer is JSON, one object a line: `linesOf` reads it. */
export async function askControl(
  { path, control }: InstanceStatus,
  word: ControlWord,
  given: object,
  options: RequestOptions,
): Promise<IpcResponse> {
  if (control === null) throw noControl(path, 'has no control endpoint');
  // It listens before the server is at its path, so it is missing only where the process is gone.
  return request(control, `${word} ${JSON.stringify(given)}`, { timeout: PATIENCE, ...options });
}

/** What a server says of itself now, within `timeout` milliseconds; nothing where its answer does not say it. */
export async function askLive(
  status: InstanceStatus,
  path: string,
  timeout: number,
): Promise<LiveStatus | undefined> {
  const answer = await askControl(status, 'status', {}, { timeout, deadline: timeout });
  for await (const { live } of linesOf(answer, path) as AsyncIterable<{ live?: LiveStatus }>) return live;
  return undefined;
}

/** The objects of an answer, as they come. */
export async function* linesOf(answer: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<object> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of answer) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) yield objectOf(line, path);
  }
  if (rest !== '') throw notControl(path, rest);
}

function objectOf(line: string, path: string): object {
  let object: unknown;
  try {
    object = JSON.parse(line);
  } catch {
    throw notControl(path, line);
  }
  if (typeof object !== 'object' || object === null) throw notControl(path, line);
  if ('error' in object)
    throw refused(path, reasonOf(object.error), 'code' in object && object.code === BUSY);
  return object;
}

function noControl(path: string, why: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_NO_CONTROL',
    `The server at ${shell(path)} ${why}. Start it with a control endpoint: serve(..., { control: true }), or simple-ipc serve.`,
    { path },
  );
}

function notControl(path: string, line: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_PROTOCOL_ERROR',
    `What answers for the server at ${shell(path)} is no control endpoint: it said ${JSON.stringify(line.slice(0, 80))}.`,
    { path },
  );
}

/** The only code that a line with an error may have. */
const BUSY = 'SIMPLE_IPC_BUSY';

function refused(path: string, why: string, isBusy: boolean): SimpleIpcError {
  const code = isBusy ? BUSY : 'SIMPLE_IPC_INVALID_ARGUMENT';
  return new SimpleIpcError(code, `The server at ${shell(path)} refuses: ${why}`, { path });
}
