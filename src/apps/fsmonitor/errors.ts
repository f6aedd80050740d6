/** What git's own daemon would say after `fatal: `, and end with 128; or after `error: `, and end with 1. */
export class FsmonitorError extends Error {
  readonly exitCode: 1 | 128;
  /** All that is to be said of it on stderr: whole lines, in git's own form. */
  readonly said: string;

  constructor(
    message: string,
    { exitCode = 128, cause, said }: { exitCode?: 1 | 128; cause?: unknown; said?: string } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
    this.said = said ?? `${exitCode === 1 ? 'error' : 'fatal'}: ${message}\n`;
  }
}

/** What git has said itself, which is passed on as it is: it may be in the user's language. */
export function saidByGit(stderr: string, cause?: unknown): FsmonitorError {
  const message = stderr.replace(/^\p{L}+: /u, '').trimEnd();
  return new FsmonitorError(message, { cause, said: stderr.endsWith('\n') ? stderr : `${stderr}\n` });
}

export function alreadyRunning(worktree: string): FsmonitorError {
  return new FsmonitorError(`fsmonitor--daemon is already running '${worktree}'`);
}

export function notRunning(): FsmonitorError {
  return new FsmonitorError('fsmonitor--daemon is not running');
}
