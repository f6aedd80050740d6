/** A repository of its own for a test, and the ways in which git uses Simple-IPC in it. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { probe } from '../../src/index.ts';
import type { Git } from '../support/peers.ts';
import { PATIENCE } from '../support/serving.ts';

const run = promisify(execFile);

export interface Repository {
  readonly directory: string;
  /** Where git's daemon listens, and where git's clients ask. */
  readonly socketPath: string;
  readonly bin: string;
  readonly env: NodeJS.ProcessEnv;
}

/** An empty repository in a temporary directory, which is the HOME of git too. */
export async function makeRepository(t: ExecutionContext, git: Git): Promise<Repository> {
  const home = await mkdtemp(join(tmpdir(), 'simple-ipc-git-'));
  t.teardown(() => rm(home, { recursive: true, force: true }));
  const directory = join(home, 'repository');
  const socketPath = join(directory, '.git', 'fsmonitor--daemon.ipc');
  const repository = { directory, socketPath, bin: git.bin, env: { ...git.env, HOME: home } };
  await run(git.bin, ['init', '--quiet', directory], { env: repository.env });
  return repository;
}

/** Writes and commits files of these names, each with its name as text. */
export async function commitFiles(repository: Repository, names: string[]): Promise<void> {
  for (const name of names) await writeFile(join(repository.directory, name), name);
  await gitIn(repository, ['add', '.']);
  const author = ['-c', 'user.name=A', '-c', 'user.email=a@example.org'];
  await gitIn(repository, [...author, 'commit', '--quiet', '--message', 'files']);
}

/** Runs git to its end. Rejects when it fails; the error has its exit `code` and `stderr`. */
export function gitIn(
  { directory: cwd, bin, env }: Repository,
  parameters: string[],
  more: NodeJS.ProcessEnv = {},
): Promise<{ stdout: string; stderr: string }> {
  return run(bin, parameters, { cwd, env: { ...env, ...more }, timeout: 30_000 });
}

/** What `git status` did. */
export interface StatusReport {
  /** The files that it found modified. */
  readonly modified: string[];
  readonly stderr: string;
  /** The data events of its trace by their key, such as `query/response-length`. */
  readonly trace: Readonly<Record<string, string>>;
}

/** Runs `git status` as a client of whatever listens at the socket. */
export async function gitStatus(repository: Repository): Promise<StatusReport> {
  const traceFile = join(repository.directory, '.git', 'trace');
  await rm(traceFile, { force: true });
  const { stdout, stderr } = await gitIn(
    repository,
    ['-c', 'core.fsmonitor=true', 'status', '--porcelain=v2'],
    { GIT_TRACE2_EVENT: traceFile },
  );
  const trace: Record<string, string> = {};
  for (const line of (await readFile(traceFile, 'utf8')).trimEnd().split('\n')) {
    const { event, key, value } = JSON.parse(line);
    if (event === 'data') trace[key] = value;
  }
  const modified = stdout.matchAll(/^1 \.M .* (\S+)$/gm).map(([, name = '']) => name);
  return { modified: [...modified].toSorted(), stderr, trace };
}

/** Starts git's own server, and resolves once it listens. */
export async function startDaemon(t: ExecutionContext, repository: Repository): Promise<ChildProcess> {
  const daemon = spawnDaemon(t, repository);
  await untilListening(repository.socketPath, daemon);
  return daemon;
}

/** Resolves when a daemon that was started listens. */
export async function untilListening(path: string, daemon: ChildProcess): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while ((await probe(path)).state !== 'listening') {
    if (daemon.exitCode !== null) throw new Error(`The daemon exited with ${daemon.exitCode}`);
    if (Date.now() > deadline) throw new Error(`The daemon did not listen within ${PATIENCE} ms`);
    await delay(10);
  }
}

/** Starts git's own server without waiting for anything. */
export function spawnDaemon(t: ExecutionContext, repository: Repository): ChildProcess {
  const { directory: cwd, bin, env } = repository;
  const daemon = spawn(bin, ['fsmonitor--daemon', 'run'], {
    cwd,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  void text(daemon.stderr).then((said) => said && t.log(`git's daemon: ${said}`));
  t.teardown(() => stopDaemon(daemon));
  return daemon;
}

/** Ends it without a chance to clean up: its socket stays behind, stale. */
export async function stopDaemon(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  daemon.kill('SIGKILL');
  await once(daemon, 'exit');
}
