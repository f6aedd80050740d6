import { win32 } from 'node:path';

import { noSocketName, noWorkingDirectory } from './errors.ts';
import { fs } from '../builtins.ts';
import { errnoOf } from '../errors.ts';

const { lstatSync, realpathSync } = fs;

/** Where a server listens. */
export interface Endpoint {
  /** As it was given. */
  readonly path: string;
  /** From the root. Nothing else is changed on Unix: `link/..` is for the kernel to resolve. */
  readonly absolute: string;
  /** The directory of `absolute`. */
  readonly directory: string;
  /** The last part of `absolute`. */
  readonly name: string;
}

/**
 * Checks a path and makes it absolute.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT` when it cannot name a socket: no string, empty, with NUL in
 *   it, or without a name at its end (`dir/`, `.`, `dir/..`).
 */
export function resolveEndpoint(path: string, platform: string = process.platform): Endpoint {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) throw noSocketName(path);
  if (platform === 'win32') return resolvePipe(path);
  const absolute = path.startsWith('/')
    ? path
    : `${workingDirectory(path)}/${path.replace(/^(?:\.\/+)+/, '')}`;
  const { directory, name } = split(absolute);
  if (name === '' || name === '.' || name === '..') throw noSocketName(path);
  return { path, absolute, directory, name };
}

/** The error of who would connect to an absolute path where nothing is, for far less than to connect. A pipe has no file to look at. */
export function nothingAt(absolute: string): unknown {
  if (process.platform === 'win32') return undefined;
  try {
    lstatSync(absolute);
    return undefined;
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? error : undefined;
  }
}

function workingDirectory(path: string): string {
  try {
    return process.cwd();
  } catch (error) {
    throw noWorkingDirectory(path, error);
  }
}

function resolvePipe(path: string): Endpoint {
  const absolute = isPipeName(path) ? path : win32.resolve(path);
  const name = win32.basename(absolute);
  if (name === '') throw noSocketName(path);
  return { path, absolute, directory: win32.dirname(absolute), name };
}

/** A path's directory, and the name in it. */
export function split(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf('/');
  if (slash === -1) return { directory: '.', name: path };
  return { directory: path.slice(0, slash) || '/', name: path.slice(slash + 1) };
}

/**
 * The name of the pipe that stands for an absolute path on Windows: the path behind `\\.\pipe\`, with `\` for `/` and
 * `_` for the colon of the drive. What is the name of a pipe already stays as it is.
 * From git's `initialize_pipe_name` (compat/simple-ipc/ipc-win32.c).
 */
export function pipeName(absolute: string): string {
  if (isPipeName(absolute)) return absolute;
  return `\\\\.\\pipe\\${absolute.replace(/^(.):/, '$1_').replaceAll('/', '\\')}`;
}

/** The pipe of a path on this machine, links resolved as git does: all but the last part must exist, else none are. */
export function pipeOf(path: string): string {
  if (isPipeName(path)) return path;
  const absolute = win32.resolve(path);
  const { dir, base } = win32.parse(absolute);
  return pipeName(realPath(absolute) ?? win32.join(realPath(dir) ?? dir, base));
}

function isPipeName(path: string): boolean {
  return /^[\\/]{2}[.?][\\/]pipe[\\/]/i.test(path);
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
