import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { directoriesOf, makeTree } from '../../../bench/fsmonitor/tree.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

test('it has as many directories and files as are asked for, in each directory as many as in any other', async (t) => {
  const root = temporaryDirectory(t);
  await makeTree(root, { directories: 30, files: 120 });
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const [directories, files] = [true, false].map((wanted) =>
    found.filter((path) => statSync(join(root, path)).isDirectory() === wanted),
  ) as [string[], string[]];
  t.deepEqual(directories.toSorted(), directoriesOf({ directories: 30, files: 0 }).toSorted());
  t.is(files.length, 120);
  for (const directory of directories) {
    const inIt = readdirSync(join(root, directory)).filter((name) => name.startsWith('f'));
    t.is(inIt.length, 4, directory);
  }
});

test('no directory has more than ten in it, and a parent comes before its children', (t) => {
  const paths = directoriesOf({ directories: 5_000, files: 0 });
  t.is(new Set(paths).size, 5_000);
  t.is(Math.max(...paths.map((path) => path.split('/').length)), 4);
  const children = new Map<string, number>();
  const seen = new Set(['']);
  for (const path of paths) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    t.true(seen.has(parent), path);
    seen.add(path);
    children.set(parent, (children.get(parent) ?? 0) + 1);
  }
  t.is(Math.max(...children.values()), 10);
});

test('it tells how far it is, and heeds an interruption', async (t) => {
  const interrupted = new AbortController();
  const told: number[] = [];
  const tell = (made: number) => {
    told.push(made);
    if (told.length === 2) interrupted.abort(new Error('interrupted'));
  };
  const root = temporaryDirectory(t);
  const tree = { directories: 5_000, files: 0 };
  await t.throwsAsync(makeTree(root, tree, { tell, signal: interrupted.signal }), { message: 'interrupted' });
  t.deepEqual(told, [500, 1_000]);
});
