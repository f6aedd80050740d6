/** The ways in which git learns what has changed: with whose git, and which daemon. */
import { readFileSync } from 'node:fs';
import { basename, delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findGit, findSystemGit, type Git } from '../run/find-git.ts';
import type { ServerName } from '../types.ts';

export interface Monitor {
  /** Whose `status` is measured. */
  readonly git: Git;
  /** Of the daemon; where there is none, of git. */
  readonly version: string;
  /** `core.fsmonitor`; `hook`: what `simple-ipc fsmonitor install --hook` writes there. */
  readonly setting: 'false' | 'true' | 'hook';
  /** The command of the daemon, to which `start` or `stop` is added; undefined: there is none. */
  readonly daemon: readonly [program: string, ...args: string[]] | undefined;
}

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const OURS = [process.execPath, COMMAND, 'fsmonitor'] as const;

/** @throws {Unavailable} where its git is not on this machine */
export function monitorOf(name: ServerName): Monitor {
  switch (name) {
    case 'no fsmonitor':
      return without(findGit());
    case 'git': {
      const git = findGit();
      return { git, version: git.version, setting: 'true', daemon: [git.bin, 'fsmonitor--daemon'] };
    }
    case 'simple-ipc':
      return { git: findGit(), version: ownVersion(), setting: 'true', daemon: OURS };
    case 'system git':
      return without(findSystemGit());
    case 'system git, by hook': {
      const git = findSystemGit();
      return { git, version: git.version, setting: 'hook', daemon: OURS };
    }
    default:
      throw new Error(`${name} is nothing that git could learn from what has changed.`);
  }
}

/** With that git first on the PATH, for those that ask git about the repository. */
export function environmentOf({ bin, env }: Git): NodeJS.ProcessEnv {
  if (!/^git(\.exe)?$/.test(basename(bin))) return env;
  return { ...env, PATH: `${dirname(bin)}${delimiter}${env['PATH'] ?? ''}` };
}

/** The command that has ours write the hook for older git and start the daemon, or takes both back. */
export function installation(undo = false): [program: string, args: string[]] {
  const [program, ...args] = OURS;
  return [program, [...args, 'install', '--hook', ...(undo ? ['--undo'] : [])]];
}

function without(git: Git): Monitor {
  return { git, version: git.version, setting: 'false', daemon: undefined };
}

function ownVersion(): string {
  const about = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(about) as { version: string }).version;
}
