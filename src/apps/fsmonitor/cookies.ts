import type { FSWatcher } from 'node:fs';
import { join } from 'node:path';
import type { EventQueue } from './overflow.ts';
import { fs } from './builtins.ts';

const { closeSync, mkdirSync, openSync, readdirSync, unlinkSync, watch } = fs;

/** Where cookies are made, from git's directory. As git's own daemon has it. */
export const COOKIES = join('fsmonitor--daemon', 'cookies');
const NAME = 'cookies';

/** How long an event may take to come, in milliseconds. */
const TIMEOUT = 1_000;

/** What became of a cookie: its event came, it did not come in time, it could not be made (`cause` says why), or nobody waits any more. */
export type CookieResult =
  | { readonly result: 'seen' | 'timed-out' | 'abandoned' }
  | { readonly result: 'failed'; readonly cause: Error };

const SEEN = { result: 'seen' } as const;
const TIMED_OUT = { result: 'timed-out' } as const;
const ABANDONED = { result: 'abandoned' } as const;

/**
 * Files that are made so that their events come: events come in their order, so when that of a cookie has come, all that happened before it was
 * made has been told as well.
 */
export class Cookies {
  readonly #directory: string;
  readonly #queue: EventQueue | undefined;
  readonly #timeout: number;
  readonly #waiting = new Map<string, (result: CookieResult) => void>();
  #watch: FSWatcher | undefined;
  #isReady = false;
  #count = 0;

  /** @param queue - What the events of the directory are counted by. Nothing: somebody else watches it, and calls `event`. */
  constructor(gitDirectory: string, queue: EventQueue | undefined, timeout = TIMEOUT) {
    this.#directory = join(gitDirectory, COOKIES);
    this.#queue = queue;
    this.#timeout = timeout;
  }

  /** Makes one, and resolves when its event has come. */
  async wait(signal: AbortSignal): Promise<CookieResult> {
    if (signal.aborted) return ABANDONED;
    const name = `${process.pid}-${this.#count++}`;
    const { promise, resolve } = Promise.withResolvers<CookieResult>();
    const giveUp = () => {
      if (!this.#waiting.has(name)) return;
      // The directory may be another by now.
      this.#unwatch();
      resolve(TIMED_OUT);
    };
    // Where this process was busy meanwhile, what has come is read first: timers run before events are looked at.
    const timer = setTimeout(() => setImmediate(giveUp), this.#timeout);
    const abandon = () => resolve(ABANDONED);
    signal.addEventListener('abort', abandon, { once: true });
    this.#waiting.set(name, resolve);
    try {
      this.#make(name);
      return await promise;
    } catch (error) {
      return { result: 'failed', cause: error as Error };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abandon);
      this.#waiting.delete(name);
    }
  }

  /** Something has happened to a file in the directory, or to the directory itself. */
  event(name: string | null): void {
    if (name === NAME) this.#unwatch();
    else if (name !== null) this.#waiting.get(name)?.(SEEN);
  }

  /** Events were lost: what is waited for may never come. */
  abandon(): void {
    for (const resolve of this.#waiting.values()) resolve(ABANDONED);
  }

  close(): void {
    this.abandon();
    this.#unwatch();
  }

  #make(name: string): void {
    if (!this.#isReady) this.#prepare();
    const path = join(this.#directory, name);
    let file: number;
    try {
      file = openSync(path, 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // Somebody has removed the directory.
      this.#prepare();
      file = openSync(path, 'wx', 0o600);
    }
    closeSync(file);
    unlinkSync(path);
  }

  #prepare(): void {
    this.#unwatch();
    mkdirSync(this.#directory, { recursive: true });
    if (this.#queue !== undefined) {
      const queue = this.#queue;
      this.#watch = watch(this.#directory, { encoding: 'latin1' }, (_, name) => {
        queue.count();
        this.event(name);
      });
      this.#watch.on('error', () => this.#unwatch());
    }
    this.#clean();
    this.#isReady = true;
  }

  /** Removes what a daemon left that was killed while it made one. */
  #clean(): void {
    for (const name of readdirSync(this.#directory)) {
      try {
        unlinkSync(join(this.#directory, name));
      } catch {
        // It is in nobody's way.
      }
    }
  }

  #unwatch(): void {
    this.#isReady = false;
    if (this.#watch !== undefined) this.#queue?.closeLater(this.#watch);
    this.#watch = undefined;
  }
}
