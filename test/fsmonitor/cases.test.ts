/** What real git makes of our answers: for each thing that may happen, `git status` with our daemon says what it says without; and where git's own daemon is right, both tell of the same. */
import { request } from '../../src/index.ts';
import { cases } from '../apps/fsmonitor/cases.ts';
import { startDaemon, type Repository } from '../interop/repository.ts';
import { git, peerTest } from '../support/peers.ts';
import { repositoryAt, watching } from '../support/watched.ts';
import { plainStatus, repositoryOf, status } from './repository.ts';

const withGit = peerTest(git);

for (const [title, { files = [], happens }] of Object.entries(cases)) {
  withGit(`status: ${title}`, async (t, peer) => {
    const repository = await repositoryOf(t, peer, files);
    const { facts } = await watching(t, repositoryAt(repository.directory));
    for (const round of [1, 2]) t.is(await status(repository), '', `before, ${round}`);
    repository.write('untracked/file');
    t.is(await status(repository), '? untracked/\0');
    happens(repository);
    const expected = await plainStatus(repository);
    for (const round of [1, 2]) t.is(await status(repository), expected, `after, ${round}`);
    t.is(facts.at(-1)?.trivial, undefined, 'it was told the paths, and not to look for itself');
  });
}

/** What git's own daemon does not tell, or tells by names that git then takes no notice of; and where directories are renamed, of which it may die. */
const DIFFERENT: ReadonlySet<string> = new Set([
  'a directory is moved out, and what then happens there',
  'a link in place of a directory',
  'a directory is moved in with content',
  'an empty directory in place of a full one',
  'a name that git does not trust: what it is in is told',
  'a repository in the worktree: that it is one',
  'a repository in the worktree: what is deep in its directory is its own',
]);

const TOKEN = 'builtin:test_00000001:0';

async function told(repository: Repository, token: string): Promise<string[]> {
  const answer = Buffer.from(await (await request(repository.socketPath, token)).bytes()).toString('latin1');
  return answer.slice(0, -1).split('\0').slice(1).toSorted();
}

/** Whether a path is told: by itself, or by a directory that it is in. */
function covers(paths: readonly string[], path: string): boolean {
  return paths.some((other) => path === other || path.startsWith(`${other}/`));
}

for (const [title, { files = [], happens, told: expected, mayTell = [] }] of Object.entries(cases)) {
  if (DIFFERENT.has(title)) continue;
  withGit(`differential: what git's daemon tells is told: ${title}`, async (t, peer) => {
    const repository = await repositoryOf(t, peer, files);
    const tested = { ...repository, env: { ...repository.env, GIT_TEST_FSMONITOR_TOKEN: '1' } };
    await startDaemon(t, tested);
    happens(repository);
    const theirs = await told(repository, TOKEN);
    t.true(theirs.length > 0 || expected.length === 0);
    for (const path of theirs)
      t.true(covers([...expected, ...mayTell], path), `${JSON.stringify(path)} is told by git's`);
    for (const path of expected)
      if (!path.includes('.simple-ipc'))
        t.true(covers(theirs, path), `${JSON.stringify(path)} is not told by git's`);
  });
}
