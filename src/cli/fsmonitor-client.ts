import { setTimeout as sleep } from 'node:timers/promises';
import { alreadyRunning, FsmonitorError, notRunning } from '../apps/fsmonitor/errors.ts';
import type { Repository } from '../apps/fsmonitor/repository.ts';
import { probe, request, SimpleIpcError } from '../index.ts';
import { writeOut } from './stdout.ts';

/** How long a daemon may take to end, as in git, and how often to look, in milliseconds. */
const STOP_TIMEOUT = 30_000;
const STEP = 10;

/** Says whether a daemon listens, ours or git's own. */
export async function showStatus({ socket, worktree }: Repository): Promise<number> {
  const isWatching = await isListening(socket);
  await writeOut(`fsmonitor-daemon is ${isWatching ? '' : 'not '}watching '${worktree}'\n`);
  return isWatching ? 0 : 1;
}

/**
 * Has the daemon end, ours or git's own, and resolves when nobody listens any more.
 *
 * @throws {FsmonitorError} When none is running, or it does not end.
 */
export async function stopDaemon({ socket }: Pick<Repository, 'socket'>): Promise<number> {
  try {
    await (await request(socket, 'quit', { timeout: STOP_TIMEOUT, waitIfBusy: true })).bytes();
  } catch (error) {
    if (!(error instanceof SimpleIpcError)) throw error;
    if (MISSING.has(error.code)) throw notRunning();
    // One that ends at once has no time for an answer.
    if (error.code !== 'SIMPLE_IPC_HUNG_UP')
      throw new FsmonitorError("could not send 'quit' command to fsmonitor--daemon", {
        cause: error,
        said: `error: ${error.message}\nfatal: could not send 'quit' command to fsmonitor--daemon\n`,
      });
  }
  for (const since = performance.now(); await isListening(socket);) {
    if (performance.now() - since >= STOP_TIMEOUT)
      throw new FsmonitorError(`daemon did not stop within ${STOP_TIMEOUT / 1_000} seconds`, { exitCode: 1 });
    await sleep(STEP);
  }
  return 0;
}

/** @throws {FsmonitorError} Where a daemon listens. */
export async function refuseSecond({ socket, worktree }: Repository): Promise<void> {
  if (await isListening(socket)) throw alreadyRunning(worktree);
}

export async function isListening(socket: string): Promise<boolean> {
  return (await probe(socket)).state === 'listening';
}

const MISSING: ReadonlySet<string> = new Set([
  'SIMPLE_IPC_PATH_NOT_FOUND',
  'SIMPLE_IPC_NOT_LISTENING',
  'SIMPLE_IPC_INVALID_PATH',
]);
