import { fs } from '../builtins.ts';

const { lstatSync } = fs;

/**
 * Which file it is. ext4 gives a deleted file's inode to the next one at once, so device and inode prove nothing of
 * two files that did not exist at the same time; the time of birth, in nanoseconds, tells them apart.
 */
export interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly birthtimeNs: bigint;
}

/** What stands at the path now, itself and not what it links to; `undefined` for nothing. */
export function identityAt(path: string): Identity | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

export function isSame(a: Identity | undefined, b: Identity | undefined): boolean {
  return a?.dev === b?.dev && a?.ino === b?.ino && a?.birthtimeNs === b?.birthtimeNs;
}
