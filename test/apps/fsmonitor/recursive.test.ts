/**
 * One watch for all of a worktree, as macOS and Windows have it. On Linux Node imitates it, too loosely for cookies, but it shows what becomes of an event. For what
 * Windows makes of it, see test/windows.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Cookies } from '../../../src/apps/fsmonitor/cookies.ts';
import { RecursiveWatch } from '../../../src/apps/fsmonitor/recursive.ts';
import { eventually } from '../../support/serving.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { repositoryAt } from '../../support/watched.ts';

function recursiveWatch(t: ExecutionContext, gitDirectory?: string) {
  const base = temporaryDirectory(t);
  const worktree = join(base, 'tree');
  const repository = repositoryAt(
    worktree,
    gitDirectory === undefined ? undefined : join(base, gitDirectory),
  );
  mkdirSync(join(worktree, 'd'), { recursive: true });
  mkdirSync(join(repository.gitDirectory, 'objects'), { recursive: true });
  const told = new Set<string>();
  let moves = 0;
  const watched = {
    isLost: false,
    changed: (path: string) => told.add(path),
    lost: () => t.fail(),
    failed: () => t.fail(),
    moved: () => moves++,
  };
  const watch = new RecursiveWatch(repository, watched, new Cookies(repository.gitDirectory, undefined));
  t.teardown(() => watch.close());
  return { worktree, told, watch, moves: () => moves };
}

test('what happens is told, and what is in git’s directory is not', async (t) => {
  const { worktree, told } = recursiveWatch(t);
  writeFileSync(join(worktree, '.git/objects/a'), '');
  writeFileSync(join(worktree, 'd/a'), '');
  await eventually(() => told.has('d/a'), 'it is told');
  renameSync(join(worktree, 'd/a'), join(worktree, 'd/b'));
  await eventually(() => told.has('d/b'), 'it is told');
  t.deepEqual(
    [...told].filter((path) => path.startsWith('.git')),
    [],
  );
});

test('a directory that was moved in is told with all that is in it', async (t) => {
  const { worktree, told } = recursiveWatch(t);
  mkdirSync(join(dirname(worktree), 'outside/e'), { recursive: true });
  writeFileSync(join(dirname(worktree), 'outside/e/f'), '');
  renameSync(join(dirname(worktree), 'outside'), join(worktree, 'in'));
  await eventually(() => ['in', 'in/e', 'in/e/f'].every((path) => told.has(path)), 'all is told');
  t.pass();
});

test('git’s directory is renamed: where it is has to be looked at', async (t) => {
  const { worktree, moves } = recursiveWatch(t);
  renameSync(join(worktree, '.git'), join(worktree, 'moved'));
  await eventually(() => moves() > 0, 'it is told');
  t.pass();
});

test('where git’s directory is elsewhere, nothing is sure: events of two watches have no order', (t) => {
  t.is(recursiveWatch(t).watch.blind, undefined);
  t.is(recursiveWatch(t, 'elsewhere').watch.blind, '.git');
});
