import type { Repository } from './repository.ts';
import { fs } from './builtins.ts';

const { statSync } = fs;

/** Which file or directory something is. */
function identityOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

/** Where a repository is, and whether that is still so: a directory that is moved takes its watches along, and nobody tells. */
export class Place {
  readonly #directories: readonly { path: string; identity: string | undefined }[];

  constructor({ worktree, gitDirectory }: Repository) {
    this.#directories = [worktree, gitDirectory].map((path) => ({ path, identity: identityOf(path) }));
  }

  /** The directory that is gone, or is another now. */
  lost(): string | undefined {
    return this.#directories.find(({ path, identity }) => !isStill(path, identity))?.path;
  }
}

function isStill(path: string, identity: string | undefined): boolean {
  try {
    return identity !== undefined && identityOf(path) === identity;
  } catch {
    // There is no way to it any more.
    return false;
  }
}
