/**
 * Every error of this library: the class, its stable codes, and each message with what to do about it.
 * docs/errors.md has a section for each code; a test keeps the two equal.
 */

/** The codes. They are stable: a program may branch on them, and on nothing else of an error. */
export type ErrorCode = keyof typeof MEANING;

/** What each code means, in a sentence. */
export const MEANING = {
  SIMPLE_IPC_INVALID_ARGUMENT: 'A path, option, message or answer is not of the kind that is taken.',
  SIMPLE_IPC_PATH_NOT_FOUND: 'There is nothing at the path, or its directory does not exist.',
  SIMPLE_IPC_NOT_LISTENING: 'There is a socket at the path, and no process listens on it.',
  SIMPLE_IPC_INVALID_PATH: 'What stands at the path is no socket.',
  SIMPLE_IPC_BUSY:
    'A server is alive at the path, and takes no connection now: its queue is full, or it has too many, or it is stopping.',
  SIMPLE_IPC_PERMISSION_DENIED: 'The system denies access to the path.',
  SIMPLE_IPC_UNTRUSTED_PATH: 'Somebody else could be behind the path, or read what stands beside it.',
  SIMPLE_IPC_PATH_TOO_LONG:
    'The path has more bytes than a socket address holds, and cannot be shortened here.',
  SIMPLE_IPC_CONNECT_FAILED: 'The system could not connect, for a reason that has no code of its own.',
  SIMPLE_IPC_ADDRESS_IN_USE: 'A server listens at the path already.',
  SIMPLE_IPC_NETWORK_FILE_SYSTEM:
    'A socket stands on a network file system, where nobody can tell whether it is in use.',
  SIMPLE_IPC_LOCKED: 'Another process kept the lock of the path for longer than `lockTimeout`.',
  SIMPLE_IPC_LISTEN_FAILED: 'The system could not listen, for a reason that has no code of its own.',
  SIMPLE_IPC_HUNG_UP: 'The peer closed the connection before its message was complete.',
  SIMPLE_IPC_PROTOCOL_ERROR: 'The peer sent something that is no pkt-line.',
  SIMPLE_IPC_LIMIT_EXCEEDED: 'A message is longer than a limit that was set.',
  SIMPLE_IPC_TIMED_OUT: 'Nothing moved for longer than the time-out.',
  SIMPLE_IPC_DEADLINE_EXCEEDED: 'Everything together took longer than the deadline.',
  SIMPLE_IPC_ABORTED:
    'It was given up from this side: by a signal, a cancellation, or the end of the server.',
  SIMPLE_IPC_BODY_USED: 'The bytes of a message can be read once, and have been.',
  SIMPLE_IPC_HANDLER_FAILED: 'A handler threw, or its answer did.',
  SIMPLE_IPC_START_FAILED: 'A server was to be started on demand, and did not come to listen at the path.',
  SIMPLE_IPC_WRONG_SERVER:
    'The server at the path is another program, or another version, than was asked for.',
  SIMPLE_IPC_NO_CONTROL:
    'The server at the path cannot be asked about itself, or told to stop: it has no control endpoint.',
  SIMPLE_IPC_STOP_FAILED: 'The server was told to stop, and has not.',
  SIMPLE_IPC_SERVER_FAILED:
    'Connections crashed too often, or the listening socket failed; the server has stopped.',
} as const;

/** What may stand beside an error's code and message. */
export interface ErrorDetails {
  /** The path it is about. */
  readonly path?: string;
  /** What brought it about, most often a system error. */
  readonly cause?: unknown;
}

const BRAND = Symbol.for('simple-ipc.error');

/**
 * The one error class of this library. `instanceof` holds across copies of the package, and `code` is stable.
 * `path` is set where it is about a path, `cause` where something else brought it about.
 */
export class SimpleIpcError extends Error {
  readonly code: ErrorCode;
  readonly path?: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    if (details.path !== undefined) this.path = details.path;
    Object.defineProperty(this, BRAND, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}
Object.defineProperty(SimpleIpcError.prototype, 'name', {
  value: 'SimpleIpcError',
  configurable: true,
  writable: true,
});

/** The system's code of an error, such as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** An error's message, or what was thrown in its place. Never throws: a handler may throw whatever it likes. */
export function reasonOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return 'what was thrown cannot be told';
  }
}

export function invalidArgument(message: string, details?: ErrorDetails): SimpleIpcError {
  return new SimpleIpcError('SIMPLE_IPC_INVALID_ARGUMENT', message, details);
}
