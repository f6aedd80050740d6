/**
 * An error of git itself (seen with 2.55), which no daemon can mend: it is there where none answers. git then has no new token, but some of its commands write what its
 * untracked cache said before as if it were true now: `git status --ignored` and `git commit` do. A `git status` that is not answered either
 * believes that, and misses files that are new since. With the first paths that our daemon tells, git looks at everything again.
 */
import type { Answers } from './answers.ts';
import type { Difference } from './compare.ts';
import { git, type Repository } from './repository.ts';

export class Excuse {
  /** Whether what git knows of untracked files may be older than it believes. */
  #isDoubtful = false;

  /** Told what the last gits were answered. */
  note({ asked, trivial, failed }: Answers): void {
    if (failed > 0) this.#isDoubtful = true;
    else if (asked > trivial) this.#isDoubtful = false;
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
