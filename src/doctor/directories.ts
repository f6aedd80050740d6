import { accessSync, constants, lstatSync, readlinkSync, statSync } from 'node:fs';

import { errnoOf, reasonOf } from '../runtime/errors.ts';
import { addressIn, fits } from '../runtime/rendezvous/address.ts';
import { shell } from '../runtime/rendezvous/errors.ts';
import { PATH_MAX } from '../runtime/rendezvous/lock.ts';
import { networkFileSystemOf } from '../runtime/rendezvous/network.ts';
import { fatal, ok, unknown, warning } from './findings.ts';
import type { Finding, Scene } from './types.ts';

/** The longest name of a file, in bytes: NAME_MAX. */
const NAME_MAX = 255;
/** More than any descriptor has in practice: what the address of a long path is formed with. */
const SOME_DESCRIPTOR = 99;

/** Whether the path fits into a socket address, or can be shortened until it does. */
export function checkLength({ endpoint }: Scene): Finding {
  const { absolute, name } = endpoint;
  const bytes = Buffer.byteLength(absolute);
  if (Buffer.byteLength(name) > NAME_MAX || (!fits(absolute) && !canBeShortened(absolute, name))) {
    const its = Buffer.byteLength(name);
    return fatal('path-too-long', `its last part has ${its} bytes, which no socket address holds`);
  }
  if (bytes > PATH_MAX && !isThere(absolute)) {
    return fatal('path-too-long', `it has ${bytes} bytes, and a server's has at most ${PATH_MAX}`);
  }
  if (!fits(absolute)) {
    const consequence = 'it is reached by a detour, which other programs may not know';
    return warning(`it has ${bytes} bytes, more than a socket address holds: ${consequence}`);
  }
  return ok(`it has ${bytes} bytes, which a socket address holds`);
}

function canBeShortened(path: string, name: string): boolean {
  if (process.platform !== 'linux') return fits(name);
  try {
    addressIn(SOME_DESCRIPTOR, name, path);
    return true;
  } catch {
    return false;
  }
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Whether each directory on the way exists, is one, and lets this user through. */
export function checkDirectories({ endpoint }: Scene): Finding {
  const parts = endpoint.directory.split('/').filter((part) => part !== '');
  let way = '';
  for (const part of ['', ...parts]) {
    way = part === '' ? '/' : `${way === '/' ? '' : way}/${part}`;
    const finding = lookAt(way);
    if (finding !== undefined) return finding;
  }
  return ok(`${shell(endpoint.directory)} exists, and this user may enter it`);
}

function lookAt(directory: string): Finding | undefined {
  try {
    // To find the dot in it takes what it takes to find anything in it: that it is a directory, and may be searched.
    statSync(`${directory}/.`);
    return undefined;
  } catch (error) {
    const at = shell(directory);
    switch (errnoOf(error)) {
      case 'ENOENT':
        return danglingLink(directory) ?? fatal('directory-missing', `${at} does not exist`);
      case 'ENOTDIR':
        return fatal('not-a-directory', `${at} is no directory`, { FILE: directory });
      case 'ELOOP':
        return fatal('dangling-link', `the links at ${at} lead in a circle`, { FILE: directory });
      case 'ENAMETOOLONG':
        return fatal('path-too-long', `${at} is longer than the system takes`);
      case 'EACCES':
      case 'EPERM': {
        const user = process.geteuid?.();
        const detail = `${at}${ownerAndMode(directory)} may not be entered by this user (uid ${user})`;
        return fatal('directory-not-searchable', detail, { DIRECTORY: directory });
      }
      default:
        return fatal('connect-failed', `${at} could not be looked at (${reasonOf(error)})`);
    }
  }
}

/** If it is a link at all. */
export function danglingLink(path: string): Finding | undefined {
  try {
    const target = readlinkSync(path);
    return fatal('dangling-link', `${shell(path)} links to ${shell(target)}, which is not there`, {
      FILE: path,
    });
  } catch {
    return undefined;
  }
}

function ownerAndMode(file: string): string {
  try {
    const { uid, mode } = statSync(file);
    return ` (uid ${uid}, mode ${(mode & 0o7777).toString(8)})`;
  } catch {
    return '';
  }
}

/** Whose the directory of the socket is, and who may write in it. What follows from it, the check of access says. */
export function checkDirectory(scene: Scene): Finding {
  const { endpoint } = scene;
  const { uid, gid, mode } = statSync(endpoint.directory);
  const whose = `${shell(endpoint.directory)} belongs to uid ${uid}, gid ${gid}, mode ${(mode & 0o7777).toString(8)}`;
  const why = isThere(endpoint.absolute) ? undefined : whyNotWritable(endpoint.directory);
  if (why !== undefined) {
    scene.isDirectoryClosed = true;
    return warning(
      `${whose}: this user (${process.geteuid?.()}) may not write in it (${why}), and so can't start a server there`,
    );
  }
  if ((mode & 0o022) === 0) return ok(`${whose}: its owner alone writes in it`);
  if (mode & 0o1000)
    return ok(`${whose}: others write in it, and cannot replace what is not theirs (sticky)`);
  return warning(
    `${whose}: ${mode & 0o002 ? 'everybody' : 'its group'} can write in it, and replace the socket`,
  );
}

function whyNotWritable(directory: string): string | undefined {
  try {
    accessSync(directory, constants.W_OK);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Whether it is on a file system that other machines share. */
export async function checkFileSystem(scene: Scene): Promise<Finding> {
  if (process.platform !== 'linux') return unknown('what file system it is on is told on Linux alone');
  try {
    scene.network = await networkFileSystemOf(scene.endpoint.directory);
  } catch (error) {
    return unknown(`what file system it is on was not told (${reasonOf(error)})`);
  }
  if (scene.network === undefined) return ok('it is on a local file system');
  return warning(
    `it is on a file system (${scene.network}) that other machines may share: their servers refuse connections from here`,
  );
}
