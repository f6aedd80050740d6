import { closeSync, mkdtempSync } from 'node:fs';
import type { Server } from 'node:net';
import { basename, join } from 'node:path';

import { addressIn, fits, inDirectory, openDirectory } from './address.ts';
import { removeStaging, STAGING } from './sidecar.ts';

/** A socket on its way to its path. */
export interface Staging {
  /** The file of the socket. */
  readonly socket: string;
  /** Binds the server to it and listens, at once; whether that went well, its `listening` or `error` event says. */
  listen(server: Server, backlog: number): void;
  /** Removes the directory, and the socket if it is still in it. What cannot be removed is left for the next sweep. */
  remove(): void;
  /** Once the server has closed. */
  release(): void;
}

/**
 * A fresh directory for a socket to be bound in: 0700, so that nobody connects before the socket has its mode. At its
 * close, perhaps days later, libuv unlinks the name that the socket was bound to, whatever stands there by then. So
 * no such name may ever lead to anything again: directories are named at random, and where the address goes through
 * a descriptor, that stays open until the server has closed, or its number would lead elsewhere.
 */
export function stage(sidecar: string, name: string, path: string): Staging {
  const directory = mkdtempSync(join(sidecar, STAGING));
  const socket = join(directory, name);
  let descriptor: number | undefined;

  function bind(use: (address: string) => void): void {
    if (fits(socket)) {
      use(socket);
    } else if (process.platform === 'linux') {
      descriptor = openDirectory(directory);
      use(addressIn(descriptor, name, path));
    } else {
      // Relative to the sidecar, not to the staging directory: at close it will be relative to anything.
      inDirectory(path, sidecar, () => use(join(basename(directory), name)));
    }
  }
  return {
    socket,
    listen(server, backlog) {
      bind((address) => server.listen({ path: address, backlog, exclusive: true }));
    },
    remove() {
      try {
        removeStaging(directory);
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
