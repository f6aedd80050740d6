import type { Dirent, FSWatcher } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { COOKIES, type Cookies } from './cookies.ts';
import { anythingIn, DOT_GIT, rawPath, within } from './paths.ts';
import type { Repository } from './repository.ts';
import { cannotWatch } from './watch-errors.ts';
import type { Watched, Watcher } from './watcher.ts';
import { fs } from './builtins.ts';

const { lstatSync, readdirSync, watch } = fs;

/**
 * Watches a worktree by one watch for all of it, as macOS and Windows have it. The system tells when it has lost events (Windows), or does not lose any that
 * libuv would know of (macOS). Events of two watches have no order, so the cookies have to be in the worktree: where git's directory is elsewhere, as for a linked
 * worktree, nothing is ever sure, and every answer is trivial.
 */
export class RecursiveWatch implements Watcher {
  readonly #worktree: string;
  readonly #watched: Watched;
  readonly #cookies: Cookies;
  /** The directory of the cookies, from the worktree; nothing where it is not in it. */
  readonly #cookiesAt: string | undefined;
  #watch: FSWatcher;

  /** @throws {FsmonitorError} When it cannot be watched. */
  constructor({ worktree, gitDirectory }: Repository, watched: Watched, cookies: Cookies) {
    this.#worktree = worktree;
    this.#watched = watched;
    this.#cookies = cookies;
    const cookiesAt = slashed(relative(worktree, join(gitDirectory, COOKIES)));
    this.#cookiesAt = cookiesAt.startsWith(`${DOT_GIT}/`) ? cookiesAt : undefined;
    this.#watch = this.#open();
  }

  get blind(): string | undefined {
    return this.#cookiesAt === undefined ? DOT_GIT : undefined;
  }

  *directories(): Generator<string, void> {
    for (const { directory } of this.#walk('')) yield rawPath(directory);
  }

  rebuild(): void {
    this.#watch.close();
    this.#watch = this.#open();
  }

  close(): void {
    this.#watch.close();
  }

  #open(): FSWatcher {
    try {
      const opened = watch(this.#worktree, { recursive: true }, (type, name) => this.#event(type, name));
      return opened.on('error', () => this.#watched.lost('watch-failed'));
    } catch (error) {
      throw cannotWatch(this.#worktree, error);
    }
  }

  #event(type: string, name: string | null): void {
    // Windows had more to tell than its buffer holds.
    if (name === null) return this.#watched.lost('overflow');
    const path = slashed(name);
    const [first = '', ...rest] = path.split('/');
    if (first.toLowerCase() === DOT_GIT) {
      if (rest.length === 0) this.#watched.moved();
      else this.#cookieAt(path);
      return;
    }
    this.#changed(path);
    const inRepository = path.toLowerCase().indexOf(`/${DOT_GIT}`);
    if (inRepository !== -1) this.#changed(path.slice(0, inRepository));
    if (type === 'rename') this.#appeared(path);
  }

  #cookieAt(path: string): void {
    const at = this.#cookiesAt;
    if (at !== undefined && path.startsWith(`${at}/`)) this.#cookies.event(path.slice(at.length + 1));
  }

  /** A directory that was moved in brings no events of what is in it. */
  #appeared(path: string): void {
    for (const { directory, entries } of this.#walk(path)) {
      this.#watched.changed(anythingIn(rawPath(directory)));
      for (const { name } of entries) this.#changed(within(directory, name));
    }
  }

  /** A directory and all below it, and what is in each; nothing, where it is none. */
  *#walk(path: string): Generator<{ directory: string; entries: Dirent[] }, void> {
    const pending = [path];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (!this.#isDirectory(next)) continue;
      const entries = this.#list(next);
      yield { directory: next, entries };
      for (const entry of entries)
        if (entry.isDirectory() && entry.name !== DOT_GIT) pending.push(within(next, entry.name));
    }
  }

  #isDirectory(path: string): boolean {
    return lstatSync(join(this.#worktree, path), { throwIfNoEntry: false })?.isDirectory() === true;
  }

  #list(directory: string): Dirent[] {
    try {
      return readdirSync(join(this.#worktree, directory), { withFileTypes: true });
    } catch (error) {
      // It is gone again, which is told as well.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#watched.lost('watch-failed');
      return [];
    }
  }

  #changed(path: string): void {
    this.#watched.changed(rawPath(path));
  }
}

/** As git writes paths. */
function slashed(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/');
}
