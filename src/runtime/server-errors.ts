/** What goes wrong with a request on the server. These are the reasons in transitions, and of aborted signals. */
import { reasonOf, SimpleIpcError } from './errors.ts';

export const THE_ANSWER = 'The answer of the handler';

export function malformedRequest(problem: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_PROTOCOL_ERROR',
    `The client sent something that is no pkt-line: ${problem}.`,
  );
}

export function surplus(limit: number): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_PROTOCOL_ERROR',
    `The client sent more than ${limit} bytes after its request: a connection carries one request.`,
  );
}

export function requestTooLong(limit: number): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_LIMIT_EXCEEDED',
    `The request is longer than maxRequestBytes (${limit}): raise it, or send less.`,
  );
}

export function lineTooLong(limit: number): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_LIMIT_EXCEEDED',
    `The request is a line of more than ${limit} bytes: send less, or send it in pkt-lines.`,
  );
}

export function unframedAnswerTooLong(limit: number): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_LIMIT_EXCEEDED',
    `The answer is longer than ${limit} bytes, and its client sends no pkt-lines, so it cannot tell half an answer from a whole one: answer less where context.framed is false.`,
  );
}

export function hungUp(cause: Error): SimpleIpcError {
  return new SimpleIpcError('SIMPLE_IPC_HUNG_UP', `The client closed the connection: ${reasonOf(cause)}.`, {
    cause,
  });
}

export function timedOut(waitingFor: 'read' | 'write', timeout: number): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_TIMED_OUT',
    waitingFor === 'read'
      ? `The client sent nothing for ${timeout} ms (readTimeout).`
      : `The client read too little for ${timeout} ms (writeTimeout).`,
  );
}

export function handlerFailed(cause: unknown): SimpleIpcError {
  return new SimpleIpcError('SIMPLE_IPC_HANDLER_FAILED', reasonOf(cause), { cause });
}

export function returnedFromGenerator(): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_INVALID_ARGUMENT',
    'A generator that answers may return QUIT or nothing: yield what is to be sent.',
  );
}

export function handlerEnded(): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_ABORTED',
    'The request is over: its handler has ended, or its connection is closed. Read it before you answer.',
  );
}

export function stopping(): SimpleIpcError {
  return new SimpleIpcError('SIMPLE_IPC_ABORTED', 'The server is stopping, and the client had not spoken.');
}

export function drainDeadline(timeout: number): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_ABORTED',
    timeout === 0
      ? 'The server is stopping, and was told not to wait for what still runs.'
      : `The server is stopping, and ${timeout} ms (drainTimeout) are over.`,
  );
}

export function serverFailed(message: string, cause: unknown, path: string): SimpleIpcError {
  return new SimpleIpcError('SIMPLE_IPC_SERVER_FAILED', message, { cause, path });
}

export function tooManyConnections(limit: number): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_LIMIT_EXCEEDED',
    `A connection was turned away: ${limit} are open, which is the limit (maxConnections): raise it.`,
  );
}

export function noDescriptors(path: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_LIMIT_EXCEEDED',
    'A connection was turned away: hardly a descriptor is left. Raise the limit (ulimit -n), or lower maxConnections.',
    { path },
  );
}

export function pathLost(path: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_SERVER_FAILED',
    `The socket at ${path} was replaced or deleted, so no client reaches this server any more.`,
    { path },
  );
}

export function unexpectedEvent(event: string): Error {
  return new Error(
    `The event ${event} cannot come in this state. This is a defect of simple-ipc: please report it.`,
  );
}
