import type { Stats } from 'node:fs';

import { errnoOf, SimpleIpcError } from '../errors.ts';
import { split } from './endpoint.ts';
import { shell, untrusted } from './errors.ts';
import { fs } from '../builtins.ts';

const { lstatSync, readlinkSync, statSync } = fs;

const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;
/** As many as the kernel follows. */
const LINKS_MAX = 40;

/**
 * Whether a client may tell the server at a path its request: the socket, and the directory it stands in, must belong to
 * this user or to root, and strangers must not be able to put another socket in its place. In a sticky directory
 * (`/tmp`) they are not. A group that this process is in is no stranger. Symbolic links are followed, and what is
 * said of the socket and its directory holds for each of them.
 *
 * A path that leads nowhere passes: to connect says more. On Windows everything does; its pipes have no such owner.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_UNTRUSTED_PATH`, naming what it is, its owner and mode, and what to do.
 */
export function checkTrust(path: string): void {
  if (process.platform === 'win32') return;
  try {
    let at = path;
    for (let links = 0; links <= LINKS_MAX; links++) {
      const { directory } = split(at);
      const stats = lstatSync(at);
      checkDirectory(path, directory, statSync(directory));
      checkOwner(path, stats.isSymbolicLink() ? 'The symbolic link' : 'The socket', at, stats);
      if (!stats.isSymbolicLink()) return;
      const target = readlinkSync(at);
      at = target.startsWith('/') ? target : `${directory}/${target}`;
    }
  } catch (error) {
    // ENOENT, EACCES, ...: the connect meets it, too, and says so.
    if (error instanceof SimpleIpcError || errnoOf(error) === undefined) throw error;
  }
}

function checkDirectory(path: string, directory: string, stats: Stats): void {
  checkOwner(path, 'The directory', directory, stats);
  if (stats.mode & STICKY) return;
  const mode = (stats.mode & 0o7777).toString(8);
  if (stats.mode & OTHERS_WRITE) {
    const what = `The directory ${shell(directory)} (mode ${mode}) can be written by everybody`;
    throw untrusted(path, what, remedy(`chmod o-w ${shell(directory)}`));
  }
  if (stats.mode & GROUP_WRITE && !isOwnGroup(stats.gid)) {
    const what = `The directory ${shell(directory)} (mode ${mode}) can be written by group ${stats.gid}, which this process is not in`;
    throw untrusted(path, what, remedy(`chmod g-w ${shell(directory)}`));
  }
}

function checkOwner(path: string, what: string, file: string, stats: Stats): void {
  const user = process.geteuid?.();
  if (stats.uid === 0 || stats.uid === user) return;
  const mode = (stats.mode & 0o7777).toString(8);
  throw untrusted(
    path,
    `${what} ${shell(file)} (mode ${mode}) belongs to uid ${stats.uid}, not to this user (${user}) or root`,
    remedy('use a path of your own'),
  );
}

function isOwnGroup(group: number): boolean {
  return process.getegid?.() === group || (process.getgroups?.().includes(group) ?? false);
}

function remedy(repair: string): string {
  return `To be safe: ${repair}. If you trust them with it: allowUntrusted: true, or --allow-untrusted.`;
}
