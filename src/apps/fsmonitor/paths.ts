/**
 * Names of files are bytes, and need not be text. Here they are strings of one character a byte (latin1), so that they can be compared and kept as
 * they are; `bytesOf` gives them back to the system.
 */

export function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

/** A path as the rest of the program has it, in the form of this module. */
export function rawPath(path: string): string {
  return Buffer.from(path).toString('latin1');
}

/** A path within another, which is '' for the worktree itself. */
export function within(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** The directory that git keeps its own things in. */
export const DOT_GIT = '.git';

/**
 * A name that no file needs to have. git's untracked cache forgets what it knows of a directory when anything in it is reported, and not when the
 * directory itself is: this stands for "anything in it".
 */
const ANYTHING = '.simple-ipc-fsmonitor';

/** Stands for all that is in a directory. */
export function anythingIn(directory: string): string {
  return within(directory, ANYTHING);
}

/**
 * Whether git may take no notice of a name that is reported: it trusts no path with a part that some file system could take for `.git`, such as
 * `git~1` (verify_path in git's read-cache.c). True also for some names that it does trust, such as `.gitignore`.
 */
export function isDistrusted(name: string): boolean {
  return /^(?:\.git|git~)/iu.test(name);
}
