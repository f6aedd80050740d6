import { request } from '../runtime/client.ts';
import { reasonOf, SimpleIpcError } from '../runtime/errors.ts';
import { connectError } from '../runtime/rendezvous/connect-error.ts';
import { resolveEndpoint } from '../runtime/rendezvous/endpoint.ts';
import { shell } from '../runtime/rendezvous/errors.ts';
import { instanceAt } from '../runtime/rendezvous/instances.ts';
import { knock } from '../runtime/rendezvous/knock.ts';
import type { InstanceStatus } from '../runtime/rendezvous/status.ts';
import type { IpcResponse, RequestOptions } from '../runtime/types.ts';
import type { ControlWord } from './types.ts';

/** How long to wait for a server that does not get round to answering, in milliseconds, unless it is said. */
export const PATIENCE = 5_000;

/** How often a server that listens is looked for among the instances: while it takes the path it may be missed. */
const LOOKS = 3;

/**
 * What the server at a path has written of itself.
 *
 * @throws {SimpleIpcError} What a request to the path would meet where nobody listens there; `SIMPLE_IPC_NO_CONTROL` for a
 *   server that says nothing of itself; and what `instanceAt` throws.
 */
export async function instanceOf(path: string): Promise<InstanceStatus> {
  const { absolute } = resolveEndpoint(path);
  for (let look = 0; look < LOOKS; look++) {
    const status = instanceAt(absolute);
    if (status !== undefined) return status;
    const error = await knock(absolute, { timeout: PATIENCE });
    if (error !== undefined) throw connectError(error, path);
    // Somebody listens. It may have come since, or between the look at the instances and the one at the socket.
  }
  throw noControl(
    path,
    'has written nothing of itself: it is not of this library, or its directory was removed',
  );
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
  if ('error' in object) throw refused(path, reasonOf(object.error));
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

function refused(path: string, why: string): SimpleIpcError {
  return new SimpleIpcError('SIMPLE_IPC_INVALID_ARGUMENT', `The server at ${shell(path)} refuses: ${why}`, {
    path,
  });
}
