import { isMissing } from '../runtime/client.ts';
import { errnoOf, reasonOf, SimpleIpcError } from '../runtime/errors.ts';
import { shell } from '../runtime/rendezvous/errors.ts';
import { processState } from '../runtime/rendezvous/process-state.ts';
import type { InstanceStatus } from '../runtime/rendezvous/status.ts';
import { askLive } from './ask.ts';

/** How long a server that does not stop is asked what it does, in milliseconds. */
const PATIENCE = 500;

interface Stubborn {
  readonly path: string;
  readonly status: InstanceStatus;
}

/** Its answer ended without a word on how it ended. */
export function cutOff(path: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_HUNG_UP',
    `The server at ${shell(path)} said that it stops, and not how it ended.`,
    { path },
  );
}

/** Whether a server that was told to stop was not there to answer, or not to the end. */
export function isCutOff(error: unknown): boolean {
  return isMissing(error) || ['SIMPLE_IPC_HUNG_UP', 'SIMPLE_IPC_BUSY'].includes(codeOf(error));
}

/** What kept a server from stopping, and what to do. */
export async function notStopped(
  { path, status }: Stubborn,
  timeout: number,
  cause: unknown,
): Promise<SimpleIpcError> {
  const { pid, control } = status;
  const says = (rest: string) =>
    new SimpleIpcError(
      'SIMPLE_IPC_STOP_FAILED',
      `The server at ${shell(path)} (pid ${pid}) has not stopped${rest}`,
      { path, cause },
    );
  if (errnoOf(cause) === 'EPERM')
    return says(`: this user may not send it a signal. Run as the user whose process it is.`);
  if (processState(status) === 'stopped')
    return says(
      `: its process is stopped, by a signal or a debugger. kill -CONT ${pid} lets it go on; force (--force) kills it.`,
    );
  if (control === null)
    return says(
      `: it has no control endpoint. kill ${pid} asks it to stop (SIGTERM), or force (--force) does that.`,
    );
  return says(
    `${await why(path, status, timeout, cause)}. timeout (--timeout) waits longer, drainTimeout (--drain-timeout) lets it ` +
      'leave off, force (--force) kills it.',
  );
}

async function why(path: string, status: InstanceStatus, timeout: number, cause: unknown): Promise<string> {
  if (codeOf(cause) === 'SIMPLE_IPC_TIMED_OUT' || codeOf(cause) === 'SIMPLE_IPC_DEADLINE_EXCEEDED') {
    const running = await runningIn(path, status);
    const what = running === undefined ? 'it does not answer' : requests(running);
    return ` after ${timeout} ms; ${what} (status says more)`;
  }
  if (isMissing(cause)) return ': nobody answers at its control endpoint';
  if (isCutOff(cause)) return ': its control endpoint took the word, or refused it, and hung up';
  return `: ${reasonOf(cause).replace(/\.$/u, '')}`;
}

function requests(running: number): string {
  if (running === 0) return 'no request runs';
  return running === 1 ? '1 request runs' : `${running} requests run`;
}

/** How many requests it is at; nothing where it does not say. */
async function runningIn(path: string, status: InstanceStatus): Promise<number | undefined> {
  try {
    return (await askLive(status, path, PATIENCE))?.stats.running;
  } catch {
    // Then that is what is to be said.
    return undefined;
  }
}

/** Why a process is not killed. */
export function notProved(path: string, { pid }: InstanceStatus): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_STOP_FAILED',
    `The server at ${shell(path)} has not stopped, and that process ${pid} is that server can't be proved from here, so it is ` +
      'not killed. Look at it, and end it yourself.',
    { path },
  );
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
