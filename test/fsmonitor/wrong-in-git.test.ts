/** Where git's own daemon is wrong, or git is with any: docs/fsmonitor.md lists these, and `git status` with ours is right. */
import { appendFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { gitIn } from '../interop/repository.ts';
import { git, peerTest } from '../support/peers.ts';
import { repositoryAt, watching } from '../support/watched.ts';
import { plainStatus, repositoryOf, status } from './repository.ts';

const withGit = peerTest(git);
const AUTHOR = ['-c', 'user.name=A', '-c', 'user.email=a@example.org'];

type Repository = Awaited<ReturnType<typeof repositoryOf>>;

/** Both say the same, also when they are asked again. */
async function same(t: ExecutionContext, repository: Repository, ...flags: string[]): Promise<string> {
  const expected = await plainStatus(repository, ...flags);
  for (const round of [1, 2]) t.is(await status(repository, ...flags), expected, `${round}`);
  return expected;
}

withGit('a change below a directory that was renamed, in a directory of it', async (t, peer) => {
  const repository = await repositoryOf(t, peer, ['d1/sub/f']);
  await watching(t, repositoryAt(repository.directory));
  await same(t, repository);
  renameSync(repository.at('d1'), repository.at('d2'));
  await gitIn(repository, ['add', '--all']);
  await gitIn(repository, [...AUTHOR, 'commit', '--quiet', '--message', 'renamed']);
  await same(t, repository);
  appendFileSync(repository.at('d2/sub/f'), 'x');
  t.regex(await same(t, repository), /d2\/sub\/f/u);
});

withGit('an empty directory where one with untracked files was', async (t, peer) => {
  const repository = await repositoryOf(t, peer, []);
  await watching(t, repositoryAt(repository.directory));
  repository.write('u/v/f');
  t.regex(await same(t, repository), /u\//u);
  mkdirSync(repository.at('empty/v'), { recursive: true });
  await same(t, repository);
  renameSync(repository.at('u'), join(repository.directory, '../outside'));
  renameSync(repository.at('empty'), repository.at('u'));
  t.is(await same(t, repository), '');
});

withGit('an untracked directory becomes a repository, and ceases to be one', async (t, peer) => {
  const repository = await repositoryOf(t, peer, []);
  await watching(t, repositoryAt(repository.directory));
  repository.write('nested/f');
  const all = '--untracked-files=all';
  t.is(await same(t, repository, all), '? nested/f\0');
  await gitIn({ ...repository, directory: repository.at('nested') }, ['init', '--quiet']);
  await gitIn({ ...repository, directory: repository.at('nested') }, ['add', '--all']);
  await gitIn({ ...repository, directory: repository.at('nested') }, [
    ...AUTHOR,
    'commit',
    '--quiet',
    '--message',
    'nested',
  ]);
  t.is(await same(t, repository, all), '? nested/\0');
  rmSync(repository.at('nested/.git'), { recursive: true });
  t.is(await same(t, repository, all), '? nested/f\0');
});

for (const words of [
  [...AUTHOR, 'commit', '--allow-empty', '--quiet', '--message', 'x'],
  ['status', '-uno'],
  ['add', 'tracked'],
])
  withGit(
    `new files while no daemon ran, and then git ${words.find((word) => /^[a-z]+$/u.test(word))}`,
    async (t, peer) => {
      const repository = await repositoryOf(t, peer, []);
      const first = await watching(t, repositoryAt(repository.directory));
      await same(t, repository);
      await same(t, repository);
      await first.server.close();
      first.daemon.close();
      repository.write('new');
      await watching(t, repositoryAt(repository.directory));
      await gitIn(repository, words);
      t.is(await same(t, repository), '? new\0');
    },
  );
