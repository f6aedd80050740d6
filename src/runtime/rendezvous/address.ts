import { errnoOf } from '../errors.ts';
import { pipeOf, split } from './endpoint.ts';
import { pathTooLong } from './errors.ts';
import { fs } from '../builtins.ts';

const { closeSync, constants, openSync } = fs;

/** Linux: a descriptor that names a file and opens nothing. Node has no constant for it. */
export const O_PATH = 0o10000000;

/** Bytes that a socket address holds beside the NUL at its end. Elsewhere than on Linux it is 103 (macOS, BSD). */
const LINUX_ADDRESS = 107;
const OTHER_ADDRESS = 103;

/**
 * Calls `use` with what to give to `connect` or `listen` for the path, and returns what it returns. The address holds
 * only during the call, which is enough: both of them bind or connect before they return.
 *
 * A path that fits into a socket address is its own. Longer ones, which Node 22 cuts off silently, go through a
 * descriptor of their directory on Linux, and elsewhere through a change of directory. On Windows it is the pipe's name.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_PATH_TOO_LONG` when no way leads there: the name alone is too long, or it takes a
 *   change of directory in a worker thread.
 * @throws The system's error when a long path's directory cannot be reached, as `connect` would for a short one.
 */
export function withAddress<T>(
  path: string,
  use: (address: string) => T,
  platform: string = process.platform,
): T {
  if (platform === 'win32') return use(pipeOf(path));
  if (fits(path, platform)) return use(path);
  const { directory, name } = split(path);
  if (platform !== 'linux') {
    if (!fits(name, platform)) throw nameTooLong(path);
    return inDirectory(path, directory, () => use(name));
  }
  const descriptor = openDirectory(directory);
  try {
    return use(addressIn(descriptor, name, path));
  } finally {
    closeSync(descriptor);
  }
}

/** Whether a socket address holds it. */
export function fits(address: string, platform: string = process.platform): boolean {
  return Buffer.byteLength(address) <= (platform === 'linux' ? LINUX_ADDRESS : OTHER_ADDRESS);
}

/** Linux: a descriptor to form addresses with. It takes no right to list the directory. */
export function openDirectory(directory: string): number {
  return openSync(directory, O_PATH | constants.O_DIRECTORY);
}

/** Linux: the address of a name in a directory that is open. */
export function addressIn(descriptor: number, name: string, path: string): string {
  const address = `/proc/self/fd/${descriptor}/${name}`;
  if (!fits(address, 'linux')) throw nameTooLong(path);
  return address;
}

/** Calls `use` with `directory` as the process's own, for an address that is relative to it. */
export function inDirectory<T>(path: string, directory: string, use: () => T): T {
  const before = process.cwd();
  try {
    process.chdir(directory);
  } catch (error) {
    if (errnoOf(error) !== 'ERR_WORKER_UNSUPPORTED_OPERATION') throw error;
    const why = 'a worker thread cannot use it. Do this in the main thread, or choose a shorter path.';
    throw pathTooLong(path, why, error);
  }
  try {
    return use();
  } finally {
    process.chdir(before);
  }
}

function nameTooLong(path: string): Error {
  return pathTooLong(path, 'its last part alone fills a socket address. Choose a shorter name.');
}
