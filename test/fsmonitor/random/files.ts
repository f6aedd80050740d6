/** Changes of files by names that need not be UTF-8, which Node.js's own recursive functions do not take everywhere. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
  type Dirent,
} from 'node:fs';
import { bytesOf, nameOf } from './names.ts';

export interface Entry {
  readonly name: string;
  readonly is: 'directory' | 'file' | 'link';
}

/** Where a path below a directory stands. */
export function inside(directory: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), bytesOf(path)]);
}

/** What is in a directory, in the same order each time; nothing where it is none. */
export function entriesOf(path: Buffer): Entry[] {
  let entries: Dirent<Buffer>[];
  try {
    entries = readdirSync(path, { withFileTypes: true, encoding: 'buffer' });
  } catch {
    return [];
  }
  return entries
    .map((entry) => ({ name: nameOf(entry.name), is: kindOf(entry) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether it is one, rather than a link to one. */
export function isDirectory(path: Buffer): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Whether a link stands on the way to a path, or at it. */
export function passesLink(directory: string, path: string): boolean {
  const names = path.split('/');
  return names.some((_name, index) => {
    try {
      return lstatSync(inside(directory, names.slice(0, index + 1).join('/'))).isSymbolicLink();
    } catch {
      return false;
    }
  });
}

/** How many entries there are below a directory. */
export function countBelow(path: Buffer): number {
  return entriesOf(path).reduce(
    (sum, { name, is }) => sum + 1 + (is === 'directory' ? countBelow(below(path, name)) : 0),
    0,
  );
}

/** Makes a directory, and those above it. */
export function makeDirectory(path: Buffer): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    const end = path.lastIndexOf('/');
    if (code !== 'ENOENT' || end <= 0) throw error;
    makeDirectory(path.subarray(0, end));
    mkdirSync(path);
  }
}

/** Writes a file, with the directories above it. */
export function writeInto(path: Buffer, text: string): void {
  makeDirectory(path.subarray(0, path.lastIndexOf('/')));
  writeFileSync(path, text);
}

/** Removes whatever stands there. */
export function removeAll(path: Buffer): void {
  if (lstatSync(path).isDirectory()) {
    removeBelow(path);
    rmdirSync(path);
  } else {
    unlinkSync(path);
  }
}

export function removeBelow(path: Buffer): void {
  for (const { name } of entriesOf(path)) removeAll(below(path, name));
}

function below(path: Buffer, name: string): Buffer {
  return Buffer.concat([path, Buffer.from('/'), bytesOf(name)]);
}

function kindOf(entry: Dirent<Buffer>): Entry['is'] {
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'link' : 'file';
}
