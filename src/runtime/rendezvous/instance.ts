import type { Server } from 'node:net';
import { basename, join } from 'node:path';

import { addressIn, fits, inDirectory, openDirectory } from './address.ts';
import { removeInstance } from './sidecar.ts';
import { writeStatus, type InstanceStatus } from './status.ts';
import { fs } from '../builtins.ts';

const { closeSync, mkdtempSync } = fs;

/** The directory of one server: what is its own alone, while it starts, serves and ends. */
export interface Instance {
  readonly directory: string;
  /** The path that a socket of that name has. */
  pathOf(name: string): string;
  /**
   * Binds a server to a name in the directory and listens, at once; whether that went well, its `listening` or `error` event
   * says. Gives the name that the kernel knows it by.
   */
  listen(server: Server, name: string, backlog: number): string;
  write(status: InstanceStatus): void;
  /** Removes the directory and what was made in it. What cannot be removed is left for the next sweep. */
  remove(): void;
  /** Once all servers in it have closed. */
  release(): void;
}

/** The name of the control socket in it. */
export const CONTROL = 'control';

/**
 * A fresh directory for a server: 0700, so that nobody connects before its socket has its mode. At its close, perhaps
 * days later, libuv unlinks the name that a socket was bound to, whatever stands there by then. So no such name may
 * ever lead to anything again: directories are named at random, and where the address goes through a descriptor, that
 * stays open until the servers have closed, or its number would lead elsewhere.
 */
export function makeInstance(sidecar: string, path: string): Instance {
  const directory = mkdtempSync(join(sidecar, `${process.pid}-`));
  let descriptor: number | undefined;

  function bind(name: string, use: (address: string) => void): string {
    const socket = join(directory, name);
    if (fits(socket)) {
      use(socket);
      return socket;
    }
    if (process.platform === 'linux') {
      descriptor ??= openDirectory(directory);
      const address = addressIn(descriptor, name, path);
      use(address);
      return address;
    }
    // Relative to the sidecar, not to the instance's directory: at close it will be relative to anything.
    const relative = join(basename(directory), name);
    inDirectory(path, sidecar, () => use(relative));
    return relative;
  }
  return {
    directory,
    pathOf: (name) => join(directory, name),
    listen: (server, name, backlog) =>
      bind(name, (address) => server.listen({ path: address, backlog, exclusive: true })),
    write: (status) => writeStatus(directory, status),
    remove() {
      try {
        removeInstance(directory);
      } catch {
        // It is of no use to anybody, and in nobody's way.
      }
    },
    release() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}
