/**
 * An error of git itself, whatever daemon it asks (seen with 2.39 and 2.55). Where an answer is trivial or missing, git takes down
 * the daemon's new token, but does not forget what its untracked cache says, unless that same command looks through all
 * directories just as the cache would have it: `git status` does, `git status -uall`, `git add` and `git commit` do not. The next
 * `git status` is told that nothing has changed since that token, believes the cache, and misses files that are new since.
 */
import type { Answers } from './answers.ts';
import type { Difference } from './compare.ts';
import type { Comparison } from './operations.ts';
import { git, type Repository } from './repository.ts';

export class Excuse {
  /** Whether what git knows of untracked files may be older than its token. */
  #isDoubtful = false;

  /** Told what the last gits were answered, in their order; `comparison` where they were one that found no difference. */
  note({ trivial, failed }: Answers, comparison?: Comparison): void {
    if (trivial + failed === 0) return;
    const { flags = ['?'], locks = false, clients = 0 } = comparison ?? {};
    this.#isDoubtful = !(flags.length === 0 && locks && clients === 1);
  }

  /** Nothing else than untracked or ignored files. */
  covers({ missing, wrong }: Difference): boolean {
    return this.#isDoubtful && [...missing, ...wrong].every((line) => /^[?!] /u.test(line));
  }

  /** Has git begin its cache anew. */
  async mend(repository: Repository): Promise<void> {
    await git(repository, ['-c', 'core.untrackedCache=keep', 'update-index', '--no-untracked-cache']);
  }
}
