/** Where programs are on this machine. */
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The folder of this project in the user's cache. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'simple-ipc');
}

/** The cache folder of `.ci/peers/`. */
export function peersDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return env['SIMPLE_IPC_PEERS_DIR'] || join(cacheDirectory(env), 'peers');
}

export function findOnPath(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
