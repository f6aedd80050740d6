/** A repository of some hundred files to play in, and how git is run in it. */
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { traceOf } from './answers.ts';
import { writeInto, inside } from './files.ts';
import { bytesOf } from './names.ts';

/** A git, and an environment that shows it nobody's configuration. */
export interface GitProgram {
  readonly bin: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface Repository {
  readonly home: string;
  /** The worktree. */
  readonly directory: string;
  readonly gitDirectory: string;
  readonly socket: string;
  /** On the same file system; nobody watches it. */
  readonly outside: string;
  readonly bin: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface RepositoryOptions {
  /** Whether the worktree is a linked one, whose gitdir is `.git/worktrees/NAME`. */
  readonly linked: boolean;
  readonly untrackedCache: boolean;
  /** Whether git asks a daemon; by this hook rather than by its own client. */
  readonly fsmonitor: boolean;
  readonly hook?: string;
}

export interface GitResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Of a git that stands still. */
const GIT_TIMEOUT = 60_000;

export const BRANCHES = ['main', 'other', 'third'] as const;

export async function makeRepository(program: GitProgram, options: RepositoryOptions): Promise<Repository> {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'simple-ipc-random-')));
  const main = join(home, 'repository');
  const outside = join(home, 'outside');
  for (const directory of [outside, join(home, 'reference')]) mkdirSync(directory);
  const env = {
    ...program.env,
    HOME: home,
    GIT_LITERAL_PATHSPECS: '1',
    GIT_TRACE2_EVENT: '0',
    ...withoutDaemon(home, program.bin),
  };
  const repository = { ...gitAt(main, join(main, '.git')), home, outside, bin: program.bin, env };
  await must(repository, home, ['init', '--quiet', '--initial-branch', BRANCHES[0], main]);
  const config = join(main, '.git', 'config');
  appendFileSync(config, CONFIG);
  await commitBranches(repository);
  const linked = options.linked ? await linkWorktree(repository) : {};
  appendFileSync(config, `[core]\n\tuntrackedCache = ${options.untrackedCache}\n`);
  appendFileSync(config, `\tfsmonitor = ${fsmonitorOf(home, options)}\n`);
  return { ...repository, ...linked, env: { ...env, GIT_TRACE2_EVENT: traceOf(repository) } };
}

function fsmonitorOf(home: string, { fsmonitor, hook }: RepositoryOptions): string {
  if (!fsmonitor || hook === undefined) return String(fsmonitor);
  const file = join(home, 'hook');
  writeFileSync(file, hook, { mode: 0o755 });
  return file;
}

async function linkWorktree(repository: Repository) {
  const directory = join(repository.home, 'linked');
  await must(repository, repository.directory, ['checkout', '--quiet', '--detach']);
  await must(repository, repository.directory, ['worktree', 'add', '--quiet', directory, BRANCHES[0]]);
  return gitAt(directory, join(repository.gitDirectory, 'worktrees', 'linked'));
}

export function removeRepository({ home }: Repository): void {
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
}

/** Runs git in the worktree, to its end, whatever that is. */
export function git(
  repository: Repository,
  words: readonly string[],
  input?: string,
  more: NodeJS.ProcessEnv = {},
): Promise<GitResult> {
  return run(repository, repository.directory, words, input, more);
}

function run(
  { bin, env }: Repository,
  cwd: string,
  words: readonly string[],
  input?: string,
  more: NodeJS.ProcessEnv = {},
): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(bin, words, { cwd, env: { ...env, ...more }, timeout: GIT_TIMEOUT });
    const output: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.setEncoding('latin1').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => {
      // It has ended without reading its input.
    });
    child.stdin.end(input === undefined ? undefined : bytesOf(input));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGTERM')
        reject(new Error(`git ${words.join(' ')} did not end within ${GIT_TIMEOUT / 1_000} s.\n${stderr}`));
      else resolve({ code, stdout: Buffer.concat(output), stderr });
    });
  });
}

async function must(repository: Repository, cwd: string, words: readonly string[]): Promise<void> {
  const { code, stderr } = await run(repository, cwd, words);
  if (code !== 0) throw new Error(`git ${words.join(' ')} ended with ${code}: ${stderr}`);
}

function gitAt(directory: string, gitDirectory: string) {
  return { directory, gitDirectory, socket: join(gitDirectory, 'fsmonitor--daemon.ipc') };
}

/** git starts its own daemon where it finds none; here it is told that this failed. */
function withoutDaemon(home: string, bin: string): NodeJS.ProcessEnv {
  const directory = join(home, 'exec-path');
  mkdirSync(directory);
  const script = `#!/bin/sh
case $1 in fsmonitor--daemon) exit 1 ;; esac
exec '${bin}' "$@"
`;
  writeFileSync(join(directory, 'git'), script);
  chmodSync(join(directory, 'git'), 0o755);
  return { GIT_EXEC_PATH: directory };
}

const CONFIG = `[user]
	name = A
	email = a@example.org
[core]
	fsmonitorHookVersion = 2
	fsync = none
[gc]
	auto = 0
[maintenance]
	auto = false
`;

/** Branches that differ in files, in directories, and in what is a file and what a directory. */
async function commitBranches(repository: Repository): Promise<void> {
  const { directory } = repository;
  const write = (path: string, text = `${path}\n`) => writeInto(inside(directory, path), text);
  for (const top of ['a', 'b', 'c', 'aa', 'a.b'])
    for (const middle of ['', 'a/', 'b/', 'a/c/', 'b/aa/b/'])
      for (const file of ['f', 'g', 'h']) write(top + '/' + middle + file);
  for (const file of ['f', 'g', 'f.txt', 'i']) write(file);
  write('.gitignore', '*.o\n/ignored/\n');
  const commit = async (message: string) => {
    await must(repository, directory, ['add', '--all']);
    await must(repository, directory, ['commit', '--quiet', '--message', message]);
  };
  await commit('main');
  await must(repository, directory, ['checkout', '--quiet', '-b', BRANCHES[1]]);
  for (const name of ['b', 'aa/b', 'f']) rmSync(join(directory, name), { recursive: true });
  write('b', 'a file\n');
  write('f/g/h');
  for (const file of ['a/f', 'a/a/c/g', 'c/a/f', 'g']) write(file, 'other\n');
  await commit('other');
  await must(repository, directory, ['checkout', '--quiet', '-b', BRANCHES[2], BRANCHES[0]]);
  rmSync(join(directory, 'a.b'), { recursive: true });
  for (let index = 0; index < 20; index++) write(`d/${index % 4}/${index}`);
  for (const file of ['a/a/f', 'c/b/aa/b/h']) write(file, 'third\n');
  await commit('third');
  await must(repository, directory, ['checkout', '--quiet', BRANCHES[0]]);
}
