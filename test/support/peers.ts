/**
 * The real programs that tests talk to: where they are, and what becomes of a test whose peer is missing.
 * `.ci/peers/` has a script for each that has to be fetched.
 */
import test, { type ExecutionContext } from 'ava';
import { findGit as findGitOrSay, type Git } from '../../bench/run/find-git.ts';
import { findJaeger as findJaegerOrSay } from '../../bench/run/jaeger.ts';
import { findOnPath } from '../../bench/run/programs.ts';
import { Unavailable } from '../../bench/types.ts';

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

/** HOME is for the test to set. */
export type { Git };

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

/** Where the bench finds it. */
function findGit(): Git | undefined {
  return unlessUnavailable(findGitOrSay);
}

export function findJaeger(): Program | undefined {
  return unlessUnavailable(() => ({ bin: findJaegerOrSay() }));
}

function unlessUnavailable<Peer>(find: () => Peer): Peer | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof Unavailable) return undefined;
    throw error;
  }
}
