import { homedir } from 'node:os';
import { join } from 'node:path';
import type { AnswerFacts, Daemon } from '../apps/fsmonitor/daemon.ts';
import { watchRepository } from '../apps/fsmonitor/daemon.ts';
import { alreadyRunning, FsmonitorError } from '../apps/fsmonitor/errors.ts';
import type { Repository } from '../apps/fsmonitor/repository.ts';
import { TRIED } from '../apps/fsmonitor/tried.ts';
import { serve, SimpleIpcError, type Server, type ServerEnd } from '../index.ts';
import { VERSION } from '../version.ts';
import { reportFailures } from './failures.ts';
import type { FsmonitorWords } from './fsmonitor-arguments.ts';
import { refuseSecond } from './fsmonitor-client.ts';
import { readOwn } from './fsmonitor-observing.ts';
import { exportsByEnvironment } from './exporters.ts';
import { PROGRAM } from './fsmonitor-program.ts';
import { dateLog, reasonOf, say } from './messages.ts';
import type { ObserveFlags, Observing } from './observing.ts';
import { onStop } from './stop-signals.ts';
import { fs } from '../apps/fsmonitor/builtins.ts';

const { rmSync } = fs;

/** Whether stderr is a log: nobody reads along, so it may say what git's daemon does not. */
const isLogged = (process.env['SIMPLE_IPC_LOG'] ?? '') !== '';

/**
 * Watches the worktree, and answers git until it is stopped. As git's own it says nothing where all is well; in a log it says
 * when it began and ended. `--detach` is for `start`, which has put it in a session of its own already: the terminal of who
 * types it may go away, and it stays.
 *
 * @throws {FsmonitorError} When one runs already, or it can't watch, or can't go on.
 */
export async function runDaemon(repository: Repository, words: FsmonitorWords): Promise<number> {
  const { config, socket, worktree } = repository;
  const flags = await readOwn(words.own);
  await refuseSecond(repository);
  if (config.announceStartup) process.stderr.write(`running fsmonitor-daemon in '${worktree}'\n`);
  const onAnswer = await answerObserver(flags.trace !== undefined || exportsByEnvironment());
  const starting = new AbortController();
  let server: Server | undefined;
  let stoppedBy: string | undefined;
  const release = onStop({
    first(signal) {
      stoppedBy = signal;
      if (server === undefined) starting.abort(new Error(signal));
      else void server.close();
    },
    second: () => void server?.close({ drainTimeout: 0 }),
  });
  if (words.detach) process.removeAllListeners('SIGHUP').on('SIGHUP', () => undefined);
  const daemon = watchRepository(repository, { onProblem: say, ...(onAnswer && { onAnswer }) });
  try {
    const observing = await observe(flags, daemon.classify);
    try {
      server = await serve(socket, daemon.handler, {
        concurrency: words.ipcThreads ?? config.ipcThreads,
        unframed: true,
        control: true,
        program: PROGRAM,
        version: VERSION,
        signal: starting.signal,
        ...observing.options,
      });
      leaveWorktree();
      forgetTries(repository.gitDirectory);
      dateLog();
      if (isLogged) say(`Watching '${worktree}', listening at ${socket}.`);
      const listening = server;
      let reason: Error | undefined;
      void daemon.ended.then((why) => {
        reason = why;
        return listening.close({ drainTimeout: 0 });
      });
      const end = await server.closed;
      if (isLogged) say(`Stopped watching '${worktree}' (${stoppedBy ?? reason?.message ?? end.reason}).`);
      if (reason !== undefined) throw reason;
      return exitCodeOf(end, socket);
    } catch (error) {
      if (stoppedBy !== undefined && server === undefined) return 0;
      if (error instanceof SimpleIpcError && error.code === 'SIMPLE_IPC_ADDRESS_IN_USE')
        throw alreadyRunning(worktree);
      throw error;
    } finally {
      await observing.close();
    }
  } finally {
    daemon.close();
    release();
  }
}

/** What observes the server. Without any wish it is less than what serve loads for that: a daemon is waited for. */
async function observe(flags: ObserveFlags, classify: Daemon['classify']): Promise<Observing> {
  if (Object.keys(flags).length > 0 || exportsByEnvironment())
    return (await import('./observing.ts')).startObserving(flags, { classify });
  return { options: { onTransition: reportFailures() }, close: async () => undefined };
}

/** What puts the facts of an answer where they are seen; loaded only where somebody looks. */
async function answerObserver(isTraced: boolean): Promise<((facts: AnswerFacts) => void) | undefined> {
  return isTraced ? (await import('./fsmonitor-trace.ts')).traceAnswer : undefined;
}

/** As git's: to stand in a directory keeps it from being unmounted, and on Windows from being deleted. */
function leaveWorktree(): void {
  try {
    process.chdir(homedir());
  } catch {
    // Then it stays; it has all paths from the root.
  }
}

/** One that listens may be started again at once when it has ended. */
function forgetTries(gitDirectory: string): void {
  try {
    rmSync(join(gitDirectory, TRIED), { force: true });
  } catch {
    // Then the next one is started a little later.
  }
}

function exitCodeOf({ reason, error }: ServerEnd, socket: string): number {
  switch (reason) {
    case 'path-lost':
      throw new FsmonitorError(
        `the socket ${socket} was replaced or deleted, so no git reaches this daemon`,
        {
          exitCode: 1,
        },
      );
    case 'failed':
      throw new FsmonitorError(reasonOf(error), { exitCode: 1, cause: error });
    default:
      return 0;
  }
}
