/** Why something may have been missed. */
export type Loss =
  /** The kernel's queue of events was full. */
  | 'overflow'
  /** The system said that a watch failed. */
  | 'watch-failed';

/** What a watcher of a worktree tells of it. */
export interface Watched {
  /** Something was missed: nothing needs to be told before `rebuild`. */
  readonly isLost: boolean;
  /** Something has happened to this path: it was made, changed or removed, or something in it was. */
  changed(path: string): void;
  /** Something may have been missed. */
  lost(reason: Loss): void;
  /** The worktree or git's directory may not be where it was. */
  moved(): void;
  /** It cannot watch any more. */
  failed(error: Error): void;
}

/** Watches a worktree, and tells of what is in it and not git's own. */
export interface Watcher {
  /** A directory whose changes it does not see: it has not the right to, or its path is too long for the system. */
  readonly blind: string | undefined;
  /** All directories of the worktree that git looks into, from it, which is ''. */
  directories(): Iterable<string>;
  /**
   * Begins anew: from when it returns on, everything is told again.
   *
   * @throws {FsmonitorError} As when it began.
   */
  rebuild(): void;
  close(): void;
}
