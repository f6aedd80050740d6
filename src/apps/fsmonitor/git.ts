import { childProcess } from './builtins.ts';
import { FsmonitorError } from './errors.ts';

const { execFile } = childProcess;

/** What came of a run of git. */
export interface GitRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** More than this git does not say of a repository, in bytes. */
const MAX_OUTPUT = 2 ** 24;

/**
 * Runs git, in a directory.
 *
 * @throws {FsmonitorError} Where it cannot be run.
 */
export function runGit(
  args: readonly string[],
  cwd: string,
  { git = 'git', env }: { git?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<GitRun> {
  return new Promise((resolve, reject) => {
    execFile(
      git,
      args,
      { cwd, encoding: 'utf8', maxBuffer: MAX_OUTPUT, windowsHide: true, ...(env && { env }) },
      (error, stdout, stderr) => {
        const { code = 0 } = error ?? {};
        if (typeof code === 'number') resolve({ code, stdout, stderr });
        else reject(cannotRun(git, error as Error));
      },
    );
  });
}

function cannotRun(git: string, cause: Error): FsmonitorError {
  const why =
    (cause as NodeJS.ErrnoException).code === 'ENOENT'
      ? 'it is not in PATH, or the current directory is gone'
      : cause.message;
  return new FsmonitorError(`cannot run ${git}: ${why}`, { cause });
}
