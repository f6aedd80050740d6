import type { Dirent, FSWatcher, Stats } from 'node:fs';
import { cannotWatch } from './watch-errors.ts';
import type { Mounts } from './mounts.ts';
import type { EventQueue } from './overflow.ts';
import { anythingIn, bytesOf, DOT_GIT, isDistrusted, rawPath, within } from './paths.ts';
import type { Watched, Watcher } from './watcher.ts';
import { fs } from './builtins.ts';

const { lstatSync, readdirSync, statfsSync, watch } = fs;

/** What is wrong with a directory that is not there any more: the one that it was in tells of that. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);
/** What is wrong with one whose changes cannot be seen. */
const BLIND: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ENAMETOOLONG']);

/**
 * File systems of Linux on which a directory has a link for each directory in it, and two more: tmpfs, ext2 to 4, XFS, F2FS. Others may count as they like; Btrfs always says 1.
 * By the number that statfs(2) gives them.
 */
const COUNTING_LINKS: ReadonlySet<number> = new Set([0x01021994, 0xef53, 0x58465342, 0xf2f52010]);

/** A directory with a watch of its own. Its path stays: one that is renamed is entered anew. */
class Directory {
  /** From the worktree, which is ''. */
  readonly path: string;
  readonly name: string;
  /** A `.git` below the worktree's own: what is in it is not looked at, except that it is there. */
  readonly isRepository: boolean;
  children: Map<string, Directory> | undefined;
  watch: FSWatcher | undefined;
  isLeft = false;

  constructor(path: string, name: string, isRepository = false) {
    this.path = path;
    this.name = name;
    this.isRepository = isRepository;
  }
}

/**
 * Watches a worktree by one watch a directory, as Linux needs it. A directory that appears is watched first and listed then, so that what comes into it is
 * seen one way or the other; and all that is in it is told, for some of it may have come before. So a rename is the end of one directory and the beginning
 * of another, whatever the two have in common: a path that is told is never one that was true once.
 */
export class Tree implements Watcher {
  readonly #worktree: string;
  readonly #queue: EventQueue;
  readonly #watched: Watched;
  readonly #mounts: Pick<Mounts, 'areNone'>;
  readonly #blind = new Set<Directory>();
  #root: Directory;
  /** Which directory the worktree was when it was entered. */
  #identity: string | undefined;

  /** @throws {FsmonitorError} When there are no watches left. */
  constructor(worktree: string, queue: EventQueue, watched: Watched, mounts: Pick<Mounts, 'areNone'>) {
    this.#worktree = rawPath(worktree);
    this.#queue = queue;
    this.#watched = watched;
    this.#mounts = mounts;
    this.#root = this.#build(mounts.areNone && COUNTING_LINKS.has(statfsSync(worktree).type));
  }

  get blind(): string | undefined {
    const [first] = this.#blind;
    return first?.path;
  }

  *directories(): Generator<string, void> {
    const pending = [this.#root];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (next.isRepository) continue;
      yield next.path;
      if (next.children !== undefined) pending.push(...next.children.values());
    }
  }

  rebuild(): void {
    // The new watches first: a directory that has one already shares it, and loses no event.
    const old = this.#root;
    this.#root = this.#build(false);
    // To close these hides nothing: what is still in the worktree has a new one.
    this.#leave(old, (told) => told.close());
  }

  close(): void {
    this.#leave(this.#root);
  }

  /** @param countsLinks - A directory that has none in it can be told by its links, which takes a third of the time of listing it. */
  #build(countsLinks: boolean): Directory {
    this.#identity = identityOf(this.#worktree);
    const root = new Directory('', this.#worktree.slice(this.#worktree.lastIndexOf('/') + 1));
    try {
      this.#enter(root, { countsLinks });
    } catch (error) {
      this.#leave(root);
      throw error;
    }
    if (root.watch !== undefined || this.#blind.has(root)) return root;
    throw cannotWatch(this.#worktree, new Error('it is gone'));
  }

  #absolute(path: string): Buffer {
    if (path === '') return bytesOf(this.#worktree);
    return bytesOf(`${this.#worktree === '/' ? '' : this.#worktree}/${path}`);
  }

  // ---- Directories that appear, and that go.

  /** Watches a directory and all in it. `tells`: of each thing in it as well. */
  #enter(directory: Directory, { tells = false, countsLinks = false }): void {
    const pending = [directory];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (!this.#watch(next) || next.isRepository) continue;
      if (countsLinks && this.#look(next.path)?.nlink === 2) continue;
      this.#list(next, tells, pending);
    }
  }

  #watch(directory: Directory): boolean {
    return this.#attempt(directory, () => {
      const told = watch(this.#absolute(directory.path), { encoding: 'latin1' });
      directory.watch = told;
      told.on('change', (type, name) => this.#event(directory, type, name as string | null));
      told.on('error', () => this.#watched.lost('watch-failed'));
    });
  }

  #list(directory: Directory, tells: boolean, pending: Directory[]): void {
    const { path } = directory;
    let entries: Dirent[] = [];
    if (!this.#attempt(directory, () => (entries = listOf(this.#absolute(path))))) return;
    if (tells && entries.length === 0) this.#changed(anythingIn(path));
    for (const entry of entries) {
      const { name } = entry;
      const isRepository = name === DOT_GIT;
      if (isRepository && path === '') continue;
      if (tells) this.#tell(path, name);
      if (!entry.isDirectory()) continue;
      const child = new Directory(within(path, name), name, isRepository);
      (directory.children ??= new Map()).set(name, child);
      pending.push(child);
    }
  }

  /** Does something that needs the directory; says whether it could be done. */
  #attempt(directory: Directory, what: () => void): boolean {
    try {
      what();
      return true;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (BLIND.has(code)) this.#blind.add(directory);
      else if (!GONE.has(code)) throw cannotWatch(this.#absolute(directory.path).toString(), error);
      return false;
    }
  }

  #leave(directory: Directory, close = (told: FSWatcher) => this.#queue.closeLater(told)): void {
    const pending = [directory];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      next.isLeft = true;
      this.#blind.delete(next);
      if (next.watch !== undefined) close(next.watch);
      if (next.children !== undefined) pending.push(...next.children.values());
    }
  }

  // ---- Events.

  #event(directory: Directory, type: string, name: string | null): void {
    this.#queue.count();
    if (directory.isLeft || this.#watched.isLost) return;
    if (name === null) return this.#watched.lost('watch-failed');
    try {
      if (directory.isRepository) this.#tell(parentOf(directory.path), DOT_GIT);
      else if (directory === this.#root && name === DOT_GIT) this.#watched.moved();
      else if (type === 'rename' && this.#mayHaveLost(directory, name)) this.#watched.lost('watch-failed');
      else if (type === 'rename') this.#renamed(directory, name);
      else this.#touched(directory, name);
    } catch (error) {
      this.#watched.failed(error as Error);
    }
  }

  /** Its content has changed, or its attributes have. */
  #touched(directory: Directory, name: string): void {
    const child = directory.children?.get(name);
    if (child !== undefined && this.#blind.has(child)) this.#renamed(directory, name);
    else this.#tell(directory.path, name);
  }

  /**
   * It is there now and was not, or the other way round, or is another; or it is a directory whose attributes have changed. Which of these cannot be told for
   * sure: inode numbers come again, and times can be set. So a directory is entered anew.
   */
  #renamed(directory: Directory, name: string): void {
    const { path, children } = directory;
    const child = children?.get(name);
    const stats = this.#look(within(path, name));
    if (child !== undefined) {
      children?.delete(name);
      this.#leave(child);
    } else if (stats === undefined && name === directory.name && this.#look(path) === undefined) {
      // It is gone itself: the one that it was in tells.
      return;
    }
    this.#tell(path, name);
    if (stats?.isDirectory() !== true) return;
    const entered = new Directory(within(path, name), name, name === DOT_GIT);
    (directory.children ??= new Map()).set(name, entered);
    this.#enter(entered, { tells: true });
  }

  /**
   * Events of a directory itself come with its own name, and look as if they were of something in it. Its watch may have ended: where it was removed, the directory that it was in
   * tells. Nobody else tells of the worktree itself, and of what was mounted.
   */
  #mayHaveLost(directory: Directory, name: string): boolean {
    if (name !== directory.name) return false;
    if (!this.#mounts.areNone) return true;
    if (directory !== this.#root) return false;
    this.#watched.moved();
    // It may as well have something in it that is called as it is itself.
    return identityOf(this.#worktree) !== this.#identity;
  }

  #look(path: string): Stats | undefined {
    try {
      return lstatSync(this.#absolute(path), { throwIfNoEntry: false });
    } catch (error) {
      // Its path is too long, or there is no right of way to it; git, which goes there step by step, may see it.
      if (!GONE.has((error as NodeJS.ErrnoException).code ?? '')) this.#watched.lost('watch-failed');
      return undefined;
    }
  }

  #tell(path: string, name: string): void {
    if (isDistrusted(name)) {
      if (path !== '') this.#changed(path);
      this.#changed(anythingIn(path));
    }
    if (name !== DOT_GIT) this.#changed(within(path, name));
  }

  #changed(path: string): void {
    this.#watched.changed(path);
  }
}

/** Which directory it is: its number may come again, but not with the time at which it was made. Nothing, where that cannot be seen. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino, birthtimeNs } = lstatSync(bytesOf(path), { bigint: true });
    return `${dev}:${ino}:${birthtimeNs}`;
  } catch {
    return undefined;
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** What is in a directory, and of what kind. */
function listOf(path: Buffer): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true, encoding: 'latin1' });
  } catch (error) {
    // A file system that does not list the kinds: Node then looks at each, which it cannot do with a name in this encoding.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_INVALID_ARG_TYPE') throw error;
    const entries = readdirSync(path, { withFileTypes: true, encoding: 'buffer' });
    return entries.map(
      (entry) => Object.assign(entry, { name: entry.name.toString('latin1') }) as unknown as Dirent,
    );
  }
}
