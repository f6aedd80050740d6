import { shell } from './errors.ts';
import { pause } from './wait.ts';
import { fs } from '../builtins.ts';

const { existsSync } = fs;

/** As long as git itself waits for it: DEFAULT_LOCK_TIMEOUT in unix-stream-server.c. Milliseconds, as all here. */
const PATIENCE = 100;
const INTERVAL = 10;

/**
 * git's own servers hold `<path>.lock` while they start. One that is there is waited for. One that stays belongs to a
 * server that was killed, since git needs it for an instant: it is told, passed over, and left, because it is git's.
 */
export async function passGitLock(
  path: string,
  signal: AbortSignal | undefined,
  onNotice: (message: string) => void,
): Promise<void> {
  const lock = `${path}.lock`;
  const deadline = performance.now() + PATIENCE;
  while (existsSync(lock)) {
    if (performance.now() >= deadline) {
      const consequence = "git's own server cannot start here while it is there";
      onNotice(
        `${shell(lock)} has not gone away within ${PATIENCE} ms: passed over. If no git is just starting a server ` +
          `here, a killed one left it, and ${consequence}: rm ${shell(lock)}`,
      );
      return;
    }
    await pause(INTERVAL, path, signal);
  }
}
