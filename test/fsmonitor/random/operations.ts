/**
 * What a game is made of: operations that say all of what they do, so that a list of them can be played again, and with some left
 * out. One that finds nothing to do, because of what was left out, fails, and that is no error.
 */
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inside, makeDirectory, passesLink, removeAll, removeBelow, writeInto } from './files.ts';
import { bytesOf, parameterOf } from './names.ts';
import { git, type Repository } from './repository.ts';

/** On the files of the worktree. Paths are relative to it; `../outside/` is a directory that no git knows. */
export type FileOperation =
  | { readonly do: 'write' | 'append' | 'replace'; readonly path: string; readonly text: string }
  | { readonly do: 'rename' | 'swap'; readonly from: string; readonly to: string }
  | { readonly do: 'remove' | 'touch' | 'empty' | 'mkdir'; readonly path: string }
  | { readonly do: 'chmod'; readonly path: string; readonly executable: boolean }
  /** Writes as many bytes as there were, and gives the file its old mtime: only its ctime tells. */
  | { readonly do: 'sneak'; readonly path: string; readonly letter: string }
  /** Sets the mtime, in seconds since the epoch. */
  | { readonly do: 'age'; readonly path: string; readonly time: number }
  /** In place of whatever stands there, which goes to `aside`, or is removed. */
  | { readonly do: 'link'; readonly path: string; readonly target: string; readonly aside?: string }
  /** A directory with content, in place of whatever stands there. */
  | { readonly do: 'tree'; readonly path: string; readonly files: readonly string[] }
  /** Many files, which are removed at once again or stay. */
  | { readonly do: 'burst'; readonly path: string; readonly count: number; readonly remove: boolean };

export type GitOperation =
  | { readonly do: 'git'; readonly words: readonly string[]; readonly input?: string }
  /** `git mv`. Not to beyond a link: git then takes into its index what it never finds again, and vouches for it. */
  | { readonly do: 'move'; readonly from: string; readonly to: string }
  /** Makes a repository there, with a commit. */
  | { readonly do: 'nest'; readonly path: string };

/**
 * On the daemon. `overflow` makes more events than the kernel keeps while it is stopped, in that directory. `hold` stops it
 * until git asks: then it finds the question and the events together.
 */
export type DaemonOperation =
  | { readonly do: 'kill' | 'start' | 'hold' }
  | { readonly do: 'overflow'; readonly path: string }
  /** A client that connects, sends that much and then neither sends nor reads. */
  | { readonly do: 'stall'; readonly sent: string }
  /** Clients that ask while the next operations go on. */
  | { readonly do: 'ask'; readonly clients: number };

/** `git status` against itself. */
export interface Comparison {
  readonly do: 'compare';
  /** Of `git status`, beside `--porcelain=v2 -z`. */
  readonly flags: readonly string[];
  /** Whether git may write the index, with what it has found out and the daemon's newer token. */
  readonly locks: boolean;
  readonly clients: number;
}

export type Operation =
  | FileOperation
  | GitOperation
  | DaemonOperation
  | Comparison
  | { readonly do: 'wait'; readonly milliseconds: number };

/** @throws where there is nothing to do it to. */
export function changeFiles({ directory }: Repository, operation: FileOperation): void {
  const place = (path: string) => inside(directory, path);
  switch (operation.do) {
    case 'write':
      return writeFileSync(place(operation.path), operation.text);
    case 'append':
      return appendFileSync(place(operation.path), operation.text);
    case 'replace':
      return replace(place(operation.path), place(`${operation.path}.lock`), operation.text);
    case 'rename':
      return renameSync(place(operation.from), place(operation.to));
    case 'swap':
      return swap(place(operation.from), place(operation.to), place(`${operation.from}~swap`));
    case 'remove':
      return removeAll(place(operation.path));
    case 'touch':
      return utimesSync(place(operation.path), new Date(), new Date());
    case 'empty':
      return removeBelow(place(operation.path));
    case 'mkdir':
      return makeDirectory(place(operation.path));
    case 'chmod':
      return chmodSync(place(operation.path), operation.executable ? 0o755 : 0o644);
    case 'sneak':
      return sneak(place(operation.path), operation.letter);
    case 'age':
      return utimesSync(place(operation.path), operation.time, operation.time);
    case 'link':
      if (operation.aside !== undefined) renameSync(place(operation.path), place(operation.aside));
      else removeIfThere(place(operation.path));
      return symlinkSync(bytesOf(operation.target), place(operation.path));
    case 'tree':
      return makeTree(place(operation.path), operation.files);
    case 'burst':
      return burst(place(operation.path), operation.count, operation.remove);
  }
}

export async function runGit(repository: Repository, operation: GitOperation): Promise<boolean> {
  if (operation.do === 'git') {
    const { code } = await git(repository, operation.words, operation.input);
    return code === 0;
  }
  if (operation.do === 'move') return moveByGit(repository, operation.from, operation.to);
  const path = parameterOf(operation.path);
  if (path === undefined) return false;
  const there = ['-C', `./${path}`];
  const { code } = await git(repository, ['init', '--quiet', `./${path}`]);
  if (code !== 0) return false;
  // What they are answered is no matter of this daemon: in a linked worktree they ask another.
  const untraced = { GIT_TRACE2_EVENT: '0' };
  await git(repository, [...there, 'add', '--all'], undefined, untraced);
  await git(
    repository,
    [...there, 'commit', '--quiet', '--allow-empty', '--message', 'nested'],
    undefined,
    untraced,
  );
  return true;
}

export const wait = (milliseconds: number): Promise<void> => sleep(milliseconds);

async function moveByGit(repository: Repository, from: string, to: string): Promise<boolean> {
  const words = [from, to].map(parameterOf);
  if (words.includes(undefined) || passesLink(repository.directory, to)) return false;
  const { code } = await git(repository, ['mv', '--', ...(words as string[])]);
  return code === 0;
}

/** As editors save. */
function replace(path: Buffer, lock: Buffer, text: string): void {
  writeFileSync(lock, text, { flag: 'wx' });
  renameSync(lock, path);
}

function swap(one: Buffer, other: Buffer, between: Buffer): void {
  lstatSync(other);
  renameSync(one, between);
  try {
    renameSync(other, one);
  } catch (error) {
    renameSync(between, one);
    throw error;
  }
  renameSync(between, other);
}

function sneak(path: Buffer, letter: string): void {
  const { mtimeMs, atimeMs } = lstatSync(path);
  writeFileSync(path, letter.repeat(readFileSync(path).length));
  utimesSync(path, atimeMs / 1_000, mtimeMs / 1_000);
}

function makeTree(path: Buffer, files: readonly string[]): void {
  removeIfThere(path);
  makeDirectory(path);
  for (const file of files) writeInto(Buffer.concat([path, inside('', file)]), `${file}\n`);
}

function burst(path: Buffer, count: number, remove: boolean): void {
  const places = Array.from({ length: count }, (_, index) =>
    Buffer.concat([path, Buffer.from(`/burst-${index}`)]),
  );
  for (const place of places) writeFileSync(place, '');
  if (remove) for (const place of places) unlinkSync(place);
}

function removeIfThere(path: Buffer): void {
  try {
    removeAll(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
