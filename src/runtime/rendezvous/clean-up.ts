import { resolveEndpoint } from './endpoint.ts';
import { identityAt, isSame } from './identity.ts';
import { acquireLock, removeStartLock } from './lock.ts';
import { replaceableAt } from './occupant.ts';
import { sweep } from './sidecar.ts';
import { fs } from '../builtins.ts';

const { unlinkSync } = fs;

/**
 * Removes what a server left that is gone: its socket, and its directory. What lives stays.
 *
 * @throws {SimpleIpcError} As `acquireLock`.
 */
export async function cleanUp(
  path: string,
  options: { lockTimeout: number; onNotice?: (message: string) => void },
): Promise<void> {
  const endpoint = resolveEndpoint(path);
  const lock = await acquireLock(endpoint.absolute, options);
  try {
    await removeStartLock(endpoint.absolute);
    sweep(lock.sidecar, options.onNotice ?? (() => {}));
    if (process.platform === 'win32') return;
    const dead = await replaceableAt(endpoint, false, undefined).catch(() => undefined);
    if (dead !== undefined && isSame(dead.socket, identityAt(endpoint.absolute)))
      unlinkSync(endpoint.absolute);
  } finally {
    lock.release();
  }
}
