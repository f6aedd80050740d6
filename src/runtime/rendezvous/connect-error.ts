import { errnoOf, reasonOf, SimpleIpcError, type ErrorCode } from '../errors.ts';
import type { ActiveState } from '../types.ts';
import { kindOf, shell } from './errors.ts';
import { fs } from '../builtins.ts';

const { statSync } = fs;

/** What a failed connect says of a path. */
export interface Diagnosis {
  readonly code: ErrorCode;
  /** What is there, or is not, in one sentence. */
  readonly cause: string;
  /** What to do about it. */
  readonly fix: string;
}

/** The error of a failed connect, or of `withAddress` on the way to it, as one of ours. One of ours stays as it is. */
export function connectError(error: unknown, path: string): SimpleIpcError {
  if (error instanceof SimpleIpcError) return error;
  const { code, cause, fix } = diagnose(error, path);
  return new SimpleIpcError(code, `${cause} ${fix}`, { path, cause: error });
}

/** The state of a path, from the error of a connect to it: git's `connect_to_server` (compat/simple-ipc). */
export function stateOf(error: SimpleIpcError): ActiveState {
  switch (error.code) {
    case 'SIMPLE_IPC_BUSY':
      return 'listening';
    case 'SIMPLE_IPC_NOT_LISTENING':
      return 'not-listening';
    case 'SIMPLE_IPC_PATH_NOT_FOUND':
      return 'path-not-found';
    case 'SIMPLE_IPC_INVALID_PATH':
      return 'invalid-path';
    default:
      return 'other-error';
  }
}

export function diagnose(error: unknown, path: string): Diagnosis {
  const at = shell(path);
  switch (errnoOf(error)) {
    case 'ENOENT':
      return {
        code: 'SIMPLE_IPC_PATH_NOT_FOUND',
        cause: `There is nothing at ${at}.`,
        fix: 'Start the server, or check the path.',
      };
    case 'ENOTDIR':
      return {
        code: 'SIMPLE_IPC_PATH_NOT_FOUND',
        cause: `Something on the way to ${at} is no directory.`,
        fix: 'Check the path.',
      };
    case 'ECONNREFUSED':
    case 'ETIMEDOUT':
    // Its server ended between the connection and its acceptance.
    case 'ECONNRESET':
      return noSocketAt(path) ?? refused(at);
    case 'ENOTSOCK':
      return noSocketAt(path) ?? invalid(at, 'something else');
    case 'EPROTOTYPE':
      return invalid(at, 'a socket of another type');
    // A non-blocking connect to a full backlog fails at once, where git's blocking one waits.
    case 'EAGAIN':
    case 'EBUSY':
      return {
        code: 'SIMPLE_IPC_BUSY',
        cause: `A server is alive at ${at}, and its backlog of connections is full.`,
        fix: 'Try again, or let the client wait: waitIfBusy.',
      };
    case 'EACCES':
    case 'EPERM':
      return {
        code: 'SIMPLE_IPC_PERMISSION_DENIED',
        cause: `The system denies access to ${at}.`,
        fix: 'Run as the user whose server it is, or have that user open it to you.',
      };
    case 'ENAMETOOLONG':
      return {
        code: 'SIMPLE_IPC_PATH_TOO_LONG',
        cause: `The path ${at} is longer than the system takes.`,
        fix: 'Use a shorter one.',
      };
    case 'ELOOP':
      return {
        code: 'SIMPLE_IPC_INVALID_PATH',
        cause: `The symbolic links on the way to ${at} lead nowhere.`,
        fix: 'Mend them, or use another path.',
      };
    case 'EMFILE':
    case 'ENFILE':
      return {
        code: 'SIMPLE_IPC_CONNECT_FAILED',
        cause: `No descriptor was left to connect to ${at}.`,
        fix: 'Open fewer connections at once, or raise the limit (ulimit -n).',
      };
    default:
      return {
        code: 'SIMPLE_IPC_CONNECT_FAILED',
        cause: `The system could not connect to ${at} (${reasonOf(error)}).`,
        fix: 'Check the path, and that a server runs there.',
      };
  }
}

/** Linux refuses a connection to what is no socket just as it refuses one to a socket that nobody listens on. */
function noSocketAt(path: string): Diagnosis | undefined {
  try {
    const stats = statSync(path);
    return stats.isSocket() ? undefined : invalid(shell(path), kindOf(stats));
  } catch {
    return undefined;
  }
}

function invalid(at: string, kind: string): Diagnosis {
  return {
    code: 'SIMPLE_IPC_INVALID_PATH',
    cause: `At ${at} stands ${kind}, and not the socket of a server.`,
    fix: 'Check the path.',
  };
}

function refused(at: string): Diagnosis {
  return {
    code: 'SIMPLE_IPC_NOT_LISTENING',
    cause: `There is a socket at ${at}, and no process listens on it.`,
    fix: 'Start the server: it replaces the socket.',
  };
}
