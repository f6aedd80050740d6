/** What real git makes of our answers: for each thing that may happen, `git status` with our daemon says what it says without; and where git's own daemon is right, both tell of the same. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { request } from '../../src/index.ts';
import { cases, type Tree } from '../apps/fsmonitor/cases.ts';
import { gitIn, makeRepository, startDaemon, type Repository } from '../interop/repository.ts';
import { git, peerTest, type Git } from '../support/peers.ts';
import { repositoryAt, watching } from '../support/watched.ts';

const withGit = peerTest(git);

/** A repository with the files of a case committed, and what the case may do to it. */
async function repositoryOf(
  t: ExecutionContext,
  peer: Git,
  files: readonly string[],
): Promise<Repository & Tree> {
  const repository = await makeRepository(t, peer);
  const { directory: worktree } = repository;
  const at = (path: string) => join(worktree, path);
  const write = (path: string, content = path) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), content);
  };
  for (const file of ['tracked', ...files]) write(file);
  const author = ['-c', 'user.name=A', '-c', 'user.email=a@example.org'];
  await gitIn(repository, ['add', '--all']);
  await gitIn(repository, [...author, 'commit', '--quiet', '--message', 'files']);
  await gitIn(repository, ['config', 'core.untrackedCache', 'true']);
  await gitIn(repository, ['config', 'core.fsmonitor', 'true']);
  return { ...repository, worktree, at, write };
}

async function status(repository: Repository, ...more: string[]): Promise<string> {
  const { stdout } = await gitIn(repository, [...more, 'status', '--porcelain=v2', '-z']);
  return stdout;
}

/** Looks at everything, and leaves the index as it is. */
const plainStatus = (repository: Repository) =>
  status(repository, '--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.untrackedCache=false');

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

/** What git's own daemon does not tell, or tells by names that git then takes no notice of. */
const DIFFERENT: ReadonlySet<string> = new Set([
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
