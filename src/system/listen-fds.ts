import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

import { describe } from './descriptor.ts';
import {
  addressUnseen,
  malformedVariable,
  noneAt,
  notOpen,
  notServable,
  whichOne,
  type HandedIn,
} from './errors.ts';
import { LISTEN_VARIABLES } from './variables.ts';

/** A listening socket that was handed in, and the path that it is at. */
export interface InheritedSocket {
  readonly fd: number;
  readonly path: string;
}

/** The first descriptor that is handed in (SD_LISTEN_FDS_START). */
const FIRST = 3;

/**
 * The listening socket that a service manager hands to this process, as sd_listen_fds(3) has it: `LISTEN_PID` is this
 * process, `LISTEN_FDS` counts the descriptors from 3 on, `LISTEN_FDNAMES` may name them. The variables are taken out of
 * the environment, so that no child believes that they are its own. (Node.js itself keeps the descriptors from children.)
 *
 * It is the one at `path`, or without `path` the only one. `undefined`: none is handed in, at least not to this process.
 *
 * The kernel shows the name that a socket was bound to. In a container that name may mean nothing, and a socket made in
 * another network namespace (PrivateNetwork=) is not shown at all: then the only one that is handed in is taken to be
 * the one at `path`.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT` when none of them is at `path`, when it is not told which one,
 *   when it is no Unix stream socket that listens, and when the variables make no sense.
 */
export function inheritedSocket(
  path: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): InheritedSocket | undefined {
  const all = takeHandedIn(environment);
  const [only] = all;
  if (only === undefined) return undefined;
  if (path === undefined) return { fd: only.fd, path: addressOf(all) };

  const place = realPlace(path);
  const found = all.find(({ is }) => is.kind === 'listening' && realPlace(is.address) === place);
  if (found !== undefined) return { fd: found.fd, path };
  if (all.length === 1) {
    if (only.is.kind === 'other') throw notServable(only, path);
    if (only.is.kind === 'unseen' || !isSocketAt(only.is.address)) return { fd: only.fd, path };
  }
  throw noneAt(path, all);
}

/** Where the only one is. */
function addressOf(all: readonly HandedIn[]): string {
  const [only, second] = all as readonly [HandedIn, ...HandedIn[]];
  if (second !== undefined) throw whichOne(all);
  switch (only.is.kind) {
    case 'listening':
      return only.is.address;
    case 'unseen':
      throw addressUnseen(only);
    case 'other':
      throw notServable(only, undefined);
  }
}

function takeHandedIn(environment: NodeJS.ProcessEnv): HandedIn[] {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = environment;
  for (const name of LISTEN_VARIABLES) delete environment[name];
  if (number('LISTEN_PID', LISTEN_PID) !== process.pid) return [];

  const count = number('LISTEN_FDS', LISTEN_FDS) ?? 0;
  const names = LISTEN_FDNAMES?.split(':') ?? [];
  const all: HandedIn[] = [];
  for (let fd = FIRST; fd < FIRST + count; fd++) {
    const is = describe(fd);
    if (is === undefined) throw notOpen(fd, count);
    // Names are there to be read only, so it does no harm when one is missing.
    all.push({ fd, name: names[fd - FIRST] || undefined, is });
  }
  return all;
}

function number(name: string, value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  if (!/^\d{1,9}$/.test(value)) throw malformedVariable(name, value);
  return Number(value);
}

/** One name for each place, whatever links lead there (Symlinks= of a socket unit, or a link to a directory). */
function realPlace(path: string): string {
  return realPath(path) ?? join(realPath(dirname(path)) ?? resolve(dirname(path)), basename(path));
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function isSocketAt(path: string): boolean {
  try {
    return lstatSync(path).isSocket();
  } catch {
    return false;
  }
}
