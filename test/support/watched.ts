/** A worktree that is watched and served, and what its daemon answers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { watchRepository, type AnswerFacts, type Daemon } from '../../src/apps/fsmonitor/daemon.ts';
import type { Repository } from '../../src/apps/fsmonitor/repository.ts';
import { request, serve, type Server } from '../../src/index.ts';
import { temporaryDirectory } from './temporary.ts';

export interface Reply {
  readonly token: string;
  /** One character a byte, in the order of their bytes. */
  readonly paths: readonly string[];
}

export interface WatchedTree {
  readonly worktree: string;
  readonly repository: Repository;
  readonly daemon: Daemon;
  readonly server: Server;
  /** Of each answer, in order. */
  readonly facts: readonly AnswerFacts[];
  /** What is at a path from the worktree. */
  at(path: string): string;
  /** Writes a file, and the directories that it needs. */
  write(path: string, content?: string): void;
  /** Asks what has changed since a token; without one, since this was last asked. Without what stands for all of a directory after a trivial answer. */
  changes(token?: string): Promise<readonly string[]>;
  ask(message: string | Uint8Array): Promise<Reply>;
  /** A token of somebody who was told all that there is to tell. */
  settled(): Promise<string>;
}

/** The answer that anything may have changed. */
export const TRIVIAL: readonly string[] = ['/'];

/** Watches a new worktree with these files in it. There is no git in it: the daemon needs its directory only. */
export async function watchedTree(
  t: ExecutionContext,
  files: readonly string[] = [],
  prepare: (worktree: string) => void = () => {},
): Promise<WatchedTree> {
  const base = temporaryDirectory(t);
  const worktree = join(base, 'tree');
  const gitDirectory = join(worktree, '.git');
  mkdirSync(gitDirectory, { recursive: true });
  const at = (path: string) => join(worktree, path);
  const write = (path: string, content = path) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), content);
  };
  for (const file of files) write(file);
  prepare(worktree);
  return { at, write, ...(await watching(t, repositoryAt(worktree, gitDirectory))) };
}

export function repositoryAt(worktree: string, gitDirectory = join(worktree, '.git')): Repository {
  const config = {
    ipcThreads: 8,
    startTimeout: 60,
    announceStartup: false,
    allowRemote: undefined,
    socketDirectory: undefined,
  };
  return { worktree, gitDirectory, socket: join(gitDirectory, 'fsmonitor--daemon.ipc'), config };
}

/** Watches a worktree that is there. */
export async function watching(
  t: ExecutionContext,
  repository: Repository,
): Promise<Omit<WatchedTree, 'at' | 'write'>> {
  const { worktree, socket } = repository;
  const facts: AnswerFacts[] = [];
  const daemon = watchRepository(repository, { onAnswer: (answer) => facts.push(answer) });
  const server = await serve(socket, daemon.handler, { unframed: true, lockTimeout: 20_000 });
  t.teardown(async () => {
    await server.close({ drainTimeout: 0 });
    daemon.close();
  });
  const ask = async (message: string | Uint8Array): Promise<Reply> => {
    const answer = Buffer.from(await (await request(socket, message)).bytes()).toString('latin1');
    if (!answer.endsWith('\0'))
      throw new Error(`The answer does not end with NUL: ${JSON.stringify(answer)}`);
    const [token = '', ...paths] = answer.slice(0, -1).split('\0');
    return { token, paths: paths.toSorted() };
  };
  const settled = async () => (await ask((await ask('builtin:fake')).token)).token;
  let last = await settled();
  const changes = async (token = last) => {
    const reply = await ask(token);
    last = reply.token;
    if (facts.at(-1)?.directories === undefined) return reply.paths;
    return reply.paths.filter((path) => !path.endsWith('.simple-ipc-fsmonitor'));
  };
  return { worktree, repository, daemon, server, facts, ask, settled, changes };
}
