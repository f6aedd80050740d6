import { join } from 'node:path';
import { FsmonitorError } from '../apps/fsmonitor/errors.ts';
import type { Repository } from '../apps/fsmonitor/repository.ts';
import { SimpleIpcError, type StartOptions } from '../index.ts';
import { ownProgram } from '../start/own-program.ts';
import { start } from '../start/start.ts';
import type { FsmonitorWords } from './fsmonitor-arguments.ts';
import { handOver } from './fsmonitor-handed.ts';
import { preparedDaemon } from './fsmonitor-prepared.ts';
import { absoluteFiles, readOwn } from './fsmonitor-observing.ts';
import { refuseSecond } from './fsmonitor-client.ts';

/** As setTimeout can take: about 24 days. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

const LOG = 'fsmonitor--daemon.log';

/**
 * Starts `fsmonitor run` apart from this process, and resolves when it listens.
 *
 * @throws {FsmonitorError} When one runs already, or it did not come to listen.
 */
export async function startDaemon(
  repository: Repository,
  words: Pick<FsmonitorWords, 'ipcThreads' | 'startTimeout' | 'own'>,
): Promise<number> {
  const { config, gitDirectory, socket, worktree } = repository;
  await readOwn(words.own);
  await refuseSecond(repository);
  if (config.announceStartup) process.stderr.write(`starting fsmonitor-daemon in '${worktree}'\n`);
  const timeout = milliseconds(words.startTimeout ?? config.startTimeout);
  const since = performance.now();
  try {
    const options: StartOptions = {
      command: [
        ...ownProgram(),
        'fsmonitor',
        'run',
        '--detach',
        `--ipc-threads=${words.ipcThreads ?? config.ipcThreads}`,
        ...absoluteFiles(words.own),
      ],
      cwd: worktree,
      env: handOver(repository),
      log: join(gitDirectory, LOG),
      timeout,
    };
    const standby = preparedDaemon();
    await start(socket, options, standby && ((plan, log) => standby.call(plan, log)));
    return 0;
  } catch (error) {
    if (!(error instanceof SimpleIpcError)) throw error;
    if (error.code !== 'SIMPLE_IPC_START_FAILED') throw notStarted('daemon failed to start', error);
    const isLate = performance.now() - since >= timeout;
    throw notStarted(isLate ? 'daemon not online yet' : 'daemon terminated', error);
  }
}

/** What the daemon said itself, and git's words for it. */
function notStarted(message: string, cause: SimpleIpcError): FsmonitorError {
  const [, words] = /\nIt said, in its log [^\n]*:\n(.*)$/su.exec(cause.message) ?? [];
  const detail = words === undefined ? cause.message : words.replaceAll(/^ {2}/gmu, '');
  const isPlain = words === undefined && message === 'daemon not online yet';
  return new FsmonitorError(message, {
    exitCode: 1,
    cause,
    said: `${isPlain ? '' : `${detail}\n`}error: ${message}\n`,
  });
}

/** git takes a number below 0 for a very large one. */
function milliseconds(seconds: number): number {
  return seconds < 0 ? LONGEST_TIMEOUT : Math.max(Math.min(seconds * 1_000, LONGEST_TIMEOUT), 1);
}
