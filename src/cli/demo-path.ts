import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure, quote, reasonOf } from './messages.ts';

const OTHERS = 0o077;

/** Where the demo listens unless it is told: in a directory that is this user's alone, and is made if need be. */
export function demoPath(environment: NodeJS.ProcessEnv = process.env): string {
  const runtime = environment['XDG_RUNTIME_DIR'];
  const directory =
    runtime !== undefined && isOurs(lookAt(runtime))
      ? join(runtime, 'simple-ipc')
      : join(tmpdir(), `simple-ipc-${process.getuid?.() ?? 'demo'}`);
  try {
    mkdirSync(directory, { mode: 0o700, recursive: true });
  } catch (error) {
    throw new Failure(
      `The directory ${quote(directory)} could not be made (${reasonOf(error)}). Name a path: demo PATH`,
    );
  }
  // Whoever came first may have made it: in a shared directory that need not be this user.
  if (isOurs(lookAt(directory))) return join(directory, 'demo.sock');
  throw new Failure(
    `${quote(directory)} is no directory that is this user's alone, so others could pose as the server there. ` +
      `If it is yours: chmod 700 ${quote(directory)}. Or name another path: demo PATH`,
  );
}

function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** A real directory, of this user, that nobody else may look into. Windows has no such modes. */
function isOurs(stats: Stats | undefined): boolean {
  if (stats?.isDirectory() !== true) return false;
  if (process.platform === 'win32') return true;
  return stats.uid === process.getuid?.() && (stats.mode & OTHERS) === 0;
}
