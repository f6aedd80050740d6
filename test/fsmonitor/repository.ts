/** A real repository for tests of our daemon, and what git says of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Tree } from '../apps/fsmonitor/cases.ts';
import { gitIn, makeRepository, type Repository } from '../interop/repository.ts';
import type { Git } from '../support/peers.ts';

/** A repository with these files committed, that asks a daemon. */
export async function repositoryOf(
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

const STATUS = ['status', '--porcelain=v2', '-z'];

/** What has changed, by what the daemon says. */
export async function status(repository: Repository, ...flags: string[]): Promise<string> {
  return (await gitIn(repository, [...STATUS, ...flags])).stdout;
}

/** Looks at everything, and leaves the index as it is. */
export async function plainStatus(repository: Repository, ...flags: string[]): Promise<string> {
  const without = ['-c', 'core.fsmonitor=false', '-c', 'core.untrackedCache=false'];
  return (await gitIn(repository, ['--no-optional-locks', ...without, ...STATUS, ...flags])).stdout;
}
