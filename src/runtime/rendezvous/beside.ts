import type { Server } from 'node:net';
import { basename } from 'node:path';

import { CONTROL, type Instance } from './instance.ts';
import { close, listen } from './listen.ts';
import { kept, type Publication } from './publication.ts';
import { fs } from '../builtins.ts';

const { chmodSync } = fs;

/** Where the control endpoint of an instance listens: a socket in its directory, or a pipe with the directory's name. */
export function controlPath(instance: Instance): string {
  if (process.platform !== 'win32') return instance.pathOf(CONTROL);
  return `\\\\.\\pipe\\simple-ipc-${basename(instance.directory)}`;
}

/** Has a server listen there. The directory is nobody else's and new, so it takes no lock and no renaming. */
export async function listenBeside(
  server: Server,
  instance: Instance,
  backlog: number,
): Promise<Publication> {
  const path = controlPath(instance);
  try {
    await listen(server, () => {
      if (process.platform === 'win32') server.listen({ path, backlog, exclusive: true });
      else instance.listen(server, CONTROL, backlog);
    });
    if (process.platform !== 'win32') chmodSync(path, 0o600);
  } catch (error) {
    await close(server);
    throw error;
  }
  return kept(path);
}
