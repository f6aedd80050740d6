/** Chooses among what there is in the worktree at this moment. */
import type { Random } from '../../torture/random.ts';
import { entriesOf, inside, type Entry } from './files.ts';

/** How likely it is that a directory's inside is looked at rather than itself. */
const DEEPER = 0.7;
const DEEPEST = 12;
/** A link may lead to a directory. */
const THROUGH_LINKS = 0.1;
const ATTEMPTS = 6;

/**
 * Something below `start` that is one of these. Undefined where none was met. git's own directories, also of nested
 * repositories, are never chosen and never entered.
 */
export function choose(
  worktree: string,
  random: Random,
  kinds: readonly Entry['is'][],
  start = '',
): string | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = descend(worktree, random, kinds, start);
    if (found !== undefined) return found;
  }
  return undefined;
}

function descend(
  worktree: string,
  random: Random,
  kinds: readonly Entry['is'][],
  start: string,
): string | undefined {
  let directory = start;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const entries = entriesOf(inside(worktree, directory)).filter(({ name }) => name !== '.git');
    if (entries.length === 0) return undefined;
    const { name, is } = random.pick(entries);
    const path = directory === '' ? name : `${directory}/${name}`;
    const mayEnter = is === 'directory' || (is === 'link' && random.chance(THROUGH_LINKS));
    const fits = kinds.includes(is);
    if (mayEnter && (!fits || random.chance(DEEPER))) directory = path;
    else if (fits) return path;
    else return undefined;
  }
  return undefined;
}
