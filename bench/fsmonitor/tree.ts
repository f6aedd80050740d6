/** Makes the tree of files that git is asked about. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Tree } from '../types.ts';

/** Directories in a directory: 5,000 of them are then four deep, and 50,000 five. */
const FAN = 10;
/** So many are made between two looks at whether to go on. */
const BATCH = 500;
/** All files have the same content: what git stores of them is not what is measured. */
const CONTENT = 'One of many.\n';

/** The paths of its directories, a parent before its children; the root itself is none of them. */
export function directoriesOf({ directories }: Tree): string[] {
  const paths: string[] = [];
  for (let at = 0; at < directories; at++) {
    const parent = at < FAN ? undefined : paths[Math.floor(at / FAN) - 1];
    paths.push(parent === undefined ? `d${at}` : `${parent}/d${at}`);
  }
  return paths;
}

/** @param tell is told how many of the directories are there */
export async function makeTree(
  root: string,
  tree: Tree,
  {
    tell,
    signal,
  }: { readonly tell?: (made: number) => void; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const paths = directoriesOf(tree);
  for (const [at, path] of paths.entries()) {
    mkdirSync(join(root, path));
    for (let file = at; file < tree.files; file += paths.length)
      writeFileSync(join(root, path, `f${file}`), CONTENT);
    if (at % BATCH === BATCH - 1) {
      tell?.(at + 1);
      await turn();
      signal?.throwIfAborted();
    }
  }
}
