/** What goes wrong with a request on the client, after it has connected. */
import { reasonOf, SimpleIpcError, type ErrorCode } from './errors.ts';

export const THE_MESSAGE = 'The message';

export function hungUp(path: string, bytes: number, cause?: Error): SimpleIpcError {
  const how = cause === undefined ? '' : ` (${reasonOf(cause)})`;
  return new SimpleIpcError(
    'SIMPLE_IPC_HUNG_UP',
    `The server at ${path} closed the connection before its answer was complete${how}; of it, ${bytes} byte${bytes === 1 ? '' : 's'} had come. ` +
      'Its handler failed, or it refused the request, or it has too many connections, or it is stopping: its own events say which. ' +
      'It may have acted on the request, so ask again only where that may be done twice (idempotent).',
    { path, cause },
  );
}

/**
 * The final error of a call whose request a server has hung up on, `sent` times in all. What happened to a later attempt that
 * sent nothing does not undo that.
 */
export function afterHangUps(
  path: string,
  { cutOff, sent, error }: { cutOff: SimpleIpcError; sent: number; error: unknown },
): unknown {
  if (error === cutOff && sent === 1) return error;
  if (error !== cutOff && (!(error instanceof SimpleIpcError) || SAYS_NOTHING_OF_SENDING.has(error.code)))
    return error;
  const asked = `It was asked ${sent === 1 ? 'once' : `${sent} times`}`;
  const then = error === cutOff ? '.' : `; then: ${reasonOf(error)}`;
  return new SimpleIpcError('SIMPLE_IPC_HUNG_UP', `${cutOff.message} ${asked}${then}`, {
    path,
    cause: error === cutOff ? cutOff.cause : error,
  });
}

/** Nobody takes from these that nothing was sent. */
const SAYS_NOTHING_OF_SENDING: ReadonlySet<ErrorCode> = new Set([
  'SIMPLE_IPC_ABORTED',
  'SIMPLE_IPC_DEADLINE_EXCEEDED',
  'SIMPLE_IPC_PROTOCOL_ERROR',
  'SIMPLE_IPC_TIMED_OUT',
]);

/** The code says the same as where the backlog is full: nothing was sent, and it may be tried again. */
export function nothingSent(path: string, cause: Error | undefined): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_BUSY',
    `The server at ${path} closed the connection before anything was sent: it has too many connections (maxConnections), ` +
      'or it is stopping. Ask again, or let the client wait: waitIfBusy.',
    { path, cause },
  );
}

export function malformedAnswer(path: string, problem: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_PROTOCOL_ERROR',
    `What listens at ${path} does not speak Simple-IPC: ${problem}. Is it the right path?`,
    { path },
  );
}

export function timedOut(path: string, timeout: number, doing: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_TIMED_OUT',
    `The server at ${path} made no progress for ${timeout} ms while ${doing}. Is it stuck? A larger timeout waits longer.`,
    { path },
  );
}

export function deadlineExceeded(path: string, deadline: number): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_DEADLINE_EXCEEDED',
    `The request to ${path} was not over after ${deadline} ms. A larger deadline waits longer.`,
    { path },
  );
}

export function aborted(path: string, cause: unknown): SimpleIpcError {
  return new SimpleIpcError('SIMPLE_IPC_ABORTED', `The request to ${path} was given up by its signal.`, {
    path,
    cause,
  });
}

export function cancelled(path: string): SimpleIpcError {
  return new SimpleIpcError('SIMPLE_IPC_ABORTED', `The answer of ${path} was cancelled by its reader.`, {
    path,
  });
}
