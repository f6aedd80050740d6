/** Chooses the next operation, by what there is in the worktree. */
import type { Random } from '../../torture/random.ts';
import { countBelow, entriesOf, inside, isDirectory, type Entry } from './files.ts';
import { directoryName, fileName } from './names.ts';
import type { Comparison, Operation } from './operations.ts';
import { BRANCHES } from './repository.ts';
import { choose } from './walk.ts';

/** What a game adds to operations on files and with git. */
export interface Variant {
  readonly kill: boolean;
  readonly overflow: boolean;
  readonly slow: boolean;
  /** How many ask at once. */
  readonly clients: number;
}

/** How often each is done. What finds nothing to do it to is done again by another. */
const WEIGHTS = {
  write: 10,
  create: 8,
  append: 5,
  replace: 4,
  renameFile: 6,
  renameDirectory: 10,
  swap: 8,
  moveOut: 2,
  moveIn: 3,
  link: 3,
  directoryToLink: 2,
  linkToDirectory: 1,
  fileToDirectory: 2,
  directoryToFile: 1.5,
  tree: 4,
  mkdir: 2,
  removeFile: 5,
  removeDirectory: 3,
  chmod: 3,
  sneak: 3,
  touch: 3,
  age: 2,
  ignore: 1.5,
  empty: 1,
  refill: 2,
  burst: 1,
  nest: 0.3,
  addAll: 2.5,
  commit: 1.5,
  checkout: 2,
  restore: 0.5,
  stash: 1,
  pop: 1.2,
  reset: 1,
  clean: 0.8,
  uncache: 0.7,
  gitMove: 0.7,
  worktree: 0.5,
} as const;

type Kind = keyof typeof WEIGHTS;

/** How many operations there are between two comparisons. */
const GROUPS = [1, 1, 1, 2, 2, 3, 3, 5, 8, 12, 20];
const FLAGS = [[], [], [], ['-uall'], ['--ignored'], ['-uall', '--ignored'], ['-uno']];
/** Entries of the worktree, above which it is cleaned. */
const MANY = 500;
/** Operations after which they are counted. */
const COUNTING = 50;
const SLOTS = 6;
/** How many directories of the last operations are remembered, because the next are done there rather. */
const REMEMBERED = 4;
const AGAIN = 0.5;
/** A second, so that what was written before is no longer as young as the index. */
const WAIT = 1_050;

export class Chooser {
  readonly #worktree: string;
  readonly #random: Random;
  readonly #variant: Variant;
  readonly #waiting: Operation[] = [];
  #recent: string[] = [];
  #group = 0;
  #hasCompared = false;
  #chosen = 0;
  #isKilled = false;

  constructor(worktree: string, random: Random, variant: Variant) {
    this.#worktree = worktree;
    this.#random = random;
    this.#variant = variant;
  }

  next(): Operation {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting;
    if (this.#group === 0) {
      this.#group = this.#random.pick(GROUPS);
      return this.#comparison();
    }
    this.#group--;
    const more = this.#ofVariant();
    if (more !== undefined) return more;
    if (++this.#chosen % COUNTING === 0 && countBelow(inside(this.#worktree, '')) > MANY)
      return this.#prune();
    for (;;) {
      const operation = this.#make(this.#random.weighted(WEIGHTS));
      if (operation === undefined) continue;
      this.#remember(operation);
      return operation;
    }
  }

  #comparison(): Comparison {
    const random = this.#random;
    // The first fills what git keeps of the daemon's answers and of untracked files.
    if (!this.#hasCompared) {
      this.#hasCompared = true;
      return { do: 'compare', flags: [], locks: true, clients: 1 };
    }
    const clients = random.chance(0.3) ? this.#variant.clients : 1;
    return { do: 'compare', flags: random.pick(FLAGS), locks: random.chance(0.8), clients };
  }

  #ofVariant(): Operation | undefined {
    const { kill, overflow, slow, clients } = this.#variant;
    const random = this.#random;
    if (this.#isKilled && random.chance(0.2)) {
      this.#isKilled = false;
      return { do: 'start' };
    }
    if (kill && !this.#isKilled && random.chance(0.02)) {
      this.#isKilled = true;
      return { do: 'kill' };
    }
    if (overflow && !this.#isKilled && random.chance(0.02))
      return { do: 'overflow', path: this.#directory() };
    if (slow && random.chance(0.03))
      return { do: 'stall', sent: random.pick(['', '00', '0010builtin', '0009hello', '0009hello0000']) };
    if (clients > 1 && random.chance(0.1)) return { do: 'ask', clients: random.between(1, clients) };
    if (!this.#isKilled && random.chance(0.04)) return { do: 'hold' };
    return random.chance(0.002) ? { do: 'wait', milliseconds: WAIT } : undefined;
  }

  #prune(): Operation {
    this.#waiting.push(ofGit('clean', '-ffdxq'), ofGit('worktree', 'prune'));
    return ofGit('reset', '--hard', '--quiet');
  }

  #make(kind: Kind): Operation | undefined {
    const random = this.#random;
    const letter = random.pick(['x', 'y', 'z']);
    switch (kind) {
      case 'write':
        return withPath(this.#file(), (path) => ({
          do: 'write',
          path,
          text: letter.repeat(random.between(0, 9)),
        }));
      case 'create':
        return { do: 'write', path: this.#newPath(fileName), text: `${letter}\n` };
      case 'append':
        return withPath(this.#file(), (path) => ({ do: 'append', path, text: letter }));
      case 'replace':
        return withPath(this.#file(), (path) => ({ do: 'replace', path, text: `${letter}${letter}\n` }));
      case 'renameFile':
        return withPath(this.#some('file', 'link'), (from) => ({
          do: 'rename',
          from,
          to: this.#newPath(fileName),
        }));
      case 'renameDirectory':
        return withPath(this.#some('directory'), (from) => ({ do: 'rename', from, to: this.#renamed(from) }));
      case 'swap':
        return withPath(this.#some('directory'), (from) =>
          withPath(this.#some('directory', random.chance(0.2) ? 'file' : 'directory'), (to) => ({
            do: 'swap',
            from,
            to,
          })),
        );
      case 'moveOut':
        return withPath(this.#some('directory', 'directory', 'file'), (from) => ({
          do: 'rename',
          from,
          to: this.#slot(),
        }));
      case 'moveIn':
        return this.#moveIn();
      case 'link':
        return { do: 'link', path: this.#newPath(fileName), target: this.#target() };
      case 'directoryToLink':
        return withPath(this.#some('directory'), (path) => {
          const aside = random.chance(0.6) ? { aside: this.#newPath(directoryName) } : {};
          return { do: 'link', path, target: aside.aside ?? this.#target(), ...aside };
        });
      case 'linkToDirectory':
        return withPath(this.#some('link'), (path) => ({ do: 'tree', path, files: this.#content() }));
      case 'fileToDirectory':
        return withPath(this.#some('file'), (path) => ({ do: 'tree', path, files: this.#content() }));
      case 'directoryToFile':
        return withPath(this.#some('directory'), (path) => {
          this.#waiting.push({ do: 'write', path, text: 'was a directory\n' });
          return { do: 'remove', path };
        });
      case 'tree':
        return { do: 'tree', path: this.#newPath(directoryName), files: this.#content() };
      case 'mkdir':
        return { do: 'mkdir', path: this.#newPath(directoryName) };
      case 'removeFile':
        return withPath(this.#some('file', 'link'), (path) => ({ do: 'remove', path }));
      case 'removeDirectory':
        return withPath(this.#some('directory'), (path) => ({ do: 'remove', path }));
      case 'chmod':
        return withPath(this.#file(), (path) => ({ do: 'chmod', path, executable: random.chance(0.5) }));
      case 'sneak':
        return withPath(this.#file(), (path) => ({ do: 'sneak', path, letter }));
      case 'touch':
        return withPath(this.#some('file', 'directory'), (path) => ({ do: 'touch', path }));
      case 'age':
        return withPath(this.#file(), (path) => ({ do: 'age', path, time: random.between(1e9, 1e9 + 5) }));
      case 'ignore':
        return this.#ignore();
      case 'empty':
        return withPath(this.#some('directory'), (path) => ({ do: 'empty', path }));
      case 'refill':
        return withPath(this.#some('directory'), (path) => {
          for (const file of this.#content().filter((name) => !name.includes('/')))
            this.#waiting.push({ do: 'write', path: `${path}/${file}`, text: `${file}\n` });
          return { do: 'empty', path };
        });
      case 'burst':
        return {
          do: 'burst',
          path: this.#directory(),
          count: random.between(10, 100),
          remove: random.chance(0.8),
        };
      case 'nest':
        return this.#nest();
      default:
        return this.#makeOfGit(kind);
    }
  }

  #makeOfGit(kind: Kind): Operation | undefined {
    const random = this.#random;
    switch (kind) {
      case 'addAll':
        return ofGit('add', '--all');
      case 'commit':
        return ofGit(
          'commit',
          '--quiet',
          '--allow-empty',
          ...(random.chance(0.5) ? ['--all'] : []),
          '--message',
          'm',
        );
      case 'checkout':
        return ofGit(
          'checkout',
          '--quiet',
          ...(random.chance(0.6) ? ['--force'] : []),
          random.pick(BRANCHES),
        );
      case 'restore':
        return ofGit('checkout', '--quiet', '--', '.');
      case 'stash':
        return ofGit('stash', 'push', '--quiet', ...(random.chance(0.4) ? ['--include-untracked'] : []));
      case 'pop':
        return ofGit('stash', 'pop', '--quiet');
      case 'reset':
        return ofGit('reset', '--quiet', ...(random.chance(0.7) ? ['--hard'] : []));
      case 'clean':
        return ofGit('clean', '--quiet', random.pick(['-fd', '-fd', '-fdx', '-ffdx']));
      case 'uncache':
        return withPath(this.#some('file', 'directory'), (path) =>
          Object.assign(
            ofGit('rm', '--cached', '-r', '--quiet', '--pathspec-from-file=-', '--pathspec-file-nul'),
            {
              input: `${path}\0`,
            },
          ),
        );
      case 'gitMove':
        return withPath(this.#some('directory', 'file'), (from) => ({
          do: 'move',
          from,
          to: this.#newPath(directoryName),
        }));
      case 'worktree': {
        const place = random.pick(['../outside/worktree', 'worktree', 'a/worktree']);
        if (random.chance(0.4)) return ofGit('worktree', 'remove', '--force', place);
        return ofGit('worktree', 'add', '--quiet', '--force', '--detach', place);
      }
      default:
        throw new Error(`There is no operation ${kind}.`);
    }
  }

  /** Somewhere among the last operations, or anywhere. */
  #some(...kinds: Entry['is'][]): string | undefined {
    const random = this.#random;
    const start = this.#recent.length > 0 && random.chance(AGAIN) ? random.pick(this.#recent) : '';
    if (
      start !== '' &&
      kinds.includes('directory') &&
      random.chance(0.2) &&
      isDirectory(inside(this.#worktree, start))
    )
      return start;
    return (
      choose(this.#worktree, random, kinds, start) ??
      (start === '' ? undefined : choose(this.#worktree, random, kinds))
    );
  }

  #file(): string | undefined {
    if (this.#random.chance(0.03)) return choose(this.#worktree, this.#random, ['file'], '../outside');
    return this.#some('file');
  }

  #directory(): string {
    return this.#some('directory') ?? '';
  }

  #newPath(name: (random: Random) => string): string {
    const directory = this.#random.chance(0.15) ? '' : this.#directory();
    return join(directory, name(this.#random));
  }

  /** Beside where it was, mostly: names that begin alike. */
  #renamed(from: string): string {
    if (this.#random.chance(0.5)) return this.#newPath(directoryName);
    return join(from.slice(0, Math.max(from.lastIndexOf('/'), 0)), directoryName(this.#random));
  }

  #slot(): string {
    return `../outside/${this.#random.between(1, SLOTS)}`;
  }

  #moveIn(): Operation | undefined {
    const slots = entriesOf(inside(this.#worktree, '../outside')).filter(({ name }) => name !== 'worktree');
    if (slots.length === 0) return undefined;
    const from = `../outside/${this.#random.pick(slots).name}`;
    return { do: 'rename', from, to: this.#newPath(directoryName) };
  }

  #target(): string {
    const random = this.#random;
    return random.pick([directoryName(random), `../${directoryName(random)}`, fileName(random), 'missing']);
  }

  /** What a new directory has in it, some of it deep. */
  #content(): string[] {
    const random = this.#random;
    return Array.from({ length: random.between(1, 6) }, () => {
      const depth = random.pick([0, 0, 1, 1, 2, 5]);
      const above = Array.from({ length: depth }, () => directoryName(random));
      // A name that stands for a file here and for a directory there could not be written.
      return [...above, `${fileName(random)}-`].join('/');
    });
  }

  #ignore(): Operation {
    const random = this.#random;
    const lines = Array.from({ length: random.between(0, 2) }, () =>
      random.pick(['*.o', '*.txt', 'f', '/a', 'b/', '!f', 'c/**', 'g', '/*/a/']),
    );
    const path = join(random.chance(0.4) ? '' : this.#directory(), '.gitignore');
    return { do: 'write', path, text: lines.map((line) => `${line}\n`).join('') };
  }

  #nest(): Operation | undefined {
    const path = this.#random.chance(0.5) ? this.#some('directory') : this.#newPath(directoryName);
    if (path === undefined) return undefined;
    if (this.#random.chance(0.5)) return { do: 'nest', path };
    return isDirectory(inside(this.#worktree, `${path}/.git`))
      ? { do: 'remove', path: `${path}/.git` }
      : { do: 'nest', path };
  }

  #remember(operation: Operation): void {
    const path = placeOf(operation);
    if (path === undefined || path.startsWith('../')) return;
    const directory = path.slice(0, Math.max(path.lastIndexOf('/'), 0));
    this.#recent = [...this.#recent, path, directory].filter((name) => name !== '').slice(-REMEMBERED);
  }
}

function placeOf(operation: Operation): string | undefined {
  if ('to' in operation) return operation.to;
  return 'path' in operation ? operation.path : undefined;
}

function ofGit(...words: string[]): { do: 'git'; words: string[] } {
  return { do: 'git', words };
}

function withPath(
  path: string | undefined,
  make: (path: string) => Operation | undefined,
): Operation | undefined {
  return path === undefined ? undefined : make(path);
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}
