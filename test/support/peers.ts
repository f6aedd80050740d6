/**
 * The real programs that tests talk to: where they are, and what becomes of a test whose peer is missing.
 * `.ci/peers/` has a script for each that has to be fetched.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';

/** What kind of peer a test needs. */
export interface PeerKind<Peer> {
  readonly name: string;
  /** What to do when it is missing. */
  readonly remedy: string;
  readonly find: () => Peer | undefined;
}

export interface Program {
  readonly bin: string;
}

export interface Git extends Program {
  readonly version: string;
  /** An environment that shows it none of the user's or the machine's configuration. HOME is for the test to set. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Declares tests that are given a peer. Without it they are skipped, and their titles say why; with
 * `SIMPLE_IPC_PEERS=required` they fail.
 */
export function peerTest<Peer>(kind: PeerKind<Peer>) {
  const peer = kind.find();
  const missing = `no ${kind.name} here: ${kind.remedy}`;
  return (title: string, implementation: (t: ExecutionContext, peer: Peer) => void | Promise<void>): void => {
    if (peer !== undefined) test(title, (t) => implementation(t, peer));
    else if (process.env['SIMPLE_IPC_PEERS'] === 'required') test(title, (t) => t.fail(missing));
    else test.skip(`${title} (skipped: ${missing})`, () => {});
  };
}

/** git's C implementation of Simple-IPC, with its fsmonitor--daemon. */
export const git: PeerKind<Git> = {
  name: 'git 2.55 or newer',
  remedy: 'run .ci/peers/git.sh, or set SIMPLE_IPC_GIT to one',
  find: findGit,
};

/** Jaeger 2, which takes the traces. `startJaeger` in jaeger.ts runs it. */
export const jaeger: PeerKind<Program> = {
  name: 'Jaeger',
  remedy: 'run .ci/peers/jaeger.sh, or set SIMPLE_IPC_JAEGER to one',
  find: findJaeger,
};

/** A program that a package of the system brings. */
export function program(name: string, debianPackage = name): PeerKind<Program> {
  return {
    name,
    remedy: `install the package ${debianPackage}`,
    find: () => {
      const bin = findOnPath(name);
      return bin === undefined ? undefined : { bin };
    },
  };
}

/** Looks at SIMPLE_IPC_GIT (and then nowhere else), where `.ci/peers/git.sh` puts it, and on the PATH. */
export function findGit(): Git | undefined {
  const named = process.env['SIMPLE_IPC_GIT'];
  const places = named ? [named] : [join(peersDirectory(), 'git', 'bin', 'git'), findOnPath('git')];
  for (const bin of places) {
    const found = bin === undefined ? undefined : gitAt(bin);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Looks at SIMPLE_IPC_JAEGER (and then nowhere else), and where `.ci/peers/jaeger.sh` puts it. */
export function findJaeger(): Program | undefined {
  const bin = process.env['SIMPLE_IPC_JAEGER'] || join(peersDirectory(), 'jaeger', 'bin', 'jaeger');
  return isExecutable(bin) ? { bin } : undefined;
}

/** The cache folder of `.ci/peers/`. */
export function peersDirectory(): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return process.env['SIMPLE_IPC_PEERS_DIR'] || join(cache, 'simple-ipc', 'peers');
}

export function findOnPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function gitAt(bin: string): Git | undefined {
  if (!isExecutable(bin)) return undefined;
  const env = isolatedEnvironment();
  const { stdout } = spawnSync(bin, ['version', '--build-options'], { encoding: 'utf8', env });
  const [, version = '', major, minor] = /^git version ((\d+)\.(\d+)\S*)/.exec(stdout) ?? [];
  const isNewEnough = Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 55);
  const hasDaemon = /^feature: fsmonitor--daemon$/m.test(stdout);
  return isNewEnough && hasDaemon ? { bin, version, env } : undefined;
}

function isolatedEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('GIT_') && name !== 'XDG_CONFIG_HOME',
  );
  return { ...Object.fromEntries(inherited), GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };
}
