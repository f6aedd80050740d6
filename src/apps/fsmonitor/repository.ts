import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { networkFileSystemOf } from '../../index.ts';
import { CONFIG_COMMAND, isRemoteAllowed, readConfig, type Config } from './config.ts';
import { FsmonitorError, saidByGit } from './errors.ts';
import { runGit } from './git.ts';
import { fs } from './builtins.ts';

const { realpathSync } = fs;

export type { Config } from './config.ts';

/** A repository that can be watched. */
export interface Repository {
  /** From the root, as git names it. */
  readonly worktree: string;
  /** From the root; of a linked worktree its own, `.git/worktrees/NAME`. */
  readonly gitDirectory: string;
  /** Where git's clients ask. */
  readonly socket: string;
  readonly config: Config;
}

/** What git says of a repository, which may yet be none that can be watched. */
export interface Discovered {
  readonly directory: string;
  readonly gitDirectory: string;
  /** Nothing in a bare one, and in git's directory itself. */
  readonly worktree: string | undefined;
  readonly config: Config;
  /** What git has warned of: lines for stderr. */
  readonly warned: string;
}

const SOCKET = 'fsmonitor--daemon.ipc';

/** git passes on what it does not know: it stands between the two directories, whose names may have newlines. */
const BETWEEN = '--/';
const PLACE_COMMAND = ['rev-parse', '--absolute-git-dir', BETWEEN, '--show-toplevel'] as const;

/**
 * The repository that a directory is in, by what git itself says of it.
 *
 * @throws {FsmonitorError} In git's words, where there is none, or it cannot be watched.
 */
export async function findRepository(directory: string = process.cwd()): Promise<Repository> {
  return checkRepository(await discover(directory));
}

/**
 * Asks git: two processes at once, for each start of a daemon waits for them.
 *
 * @throws {FsmonitorError} In git's words, where there is no repository, or its configuration is wrong.
 */
export async function discover(directory: string = process.cwd()): Promise<Discovered> {
  const [place, settings] = await Promise.all([
    runGit(PLACE_COMMAND, directory),
    runGit(CONFIG_COMMAND, directory),
  ]);
  const end = place.stdout.indexOf(`\n${BETWEEN}\n`);
  // It fails as well where there is only no worktree.
  if (end === -1) throw saidByGit(place.stderr);
  const gitDirectory = place.stdout.slice(0, end);
  const worktree = place.stdout.slice(end + BETWEEN.length + 2).replace(/\n$/u, '');
  const hasWorktree = place.code === 0 && worktree !== '';
  for (const path of [gitDirectory, worktree])
    if (path.includes('\uFFFD'))
      throw new FsmonitorError(`'${path}' has a name that is not UTF-8: rename it`);
  return {
    directory,
    gitDirectory: resolve(gitDirectory),
    worktree: hasWorktree ? resolve(worktree) : undefined,
    // From a worktree, git has gone to its top.
    config: readConfig(settings.stdout, hasWorktree ? worktree : directory),
    warned: hasWorktree ? place.stderr : '',
  };
}

/**
 * Whether it can be watched, and where its socket is.
 *
 * @throws {FsmonitorError} In git's words, where it cannot.
 */
export async function checkRepository({
  directory,
  gitDirectory,
  worktree,
  config,
}: Discovered): Promise<Repository> {
  if (worktree === undefined)
    throw new FsmonitorError(`bare repository '${realpathSync(directory)}' is incompatible with fsmonitor`);
  const [isWorktreeRemote, isGitDirectoryRemote] = await Promise.all([
    isRemote(worktree, worktree),
    isRemote(gitDirectory, worktree),
  ]);
  if (isWorktreeRemote && !isRemoteAllowed(config))
    throw new FsmonitorError(`remote repository '${worktree}' is incompatible with fsmonitor`);
  const socket = isGitDirectoryRemote ? socketElsewhere(worktree, config) : join(gitDirectory, SOCKET);
  if (isGitDirectoryRemote) await isRemote(dirname(socket), worktree);
  return { worktree, gitDirectory, socket, config };
}

async function isRemote(path: string, worktree: string): Promise<boolean> {
  try {
    return (await networkFileSystemOf(path)) !== undefined;
  } catch (cause) {
    throw new FsmonitorError(`repository '${worktree}' is incompatible with fsmonitor due to errors`, {
      cause,
    });
  }
}

/** A socket on a network file system may be of another machine. See fsmonitor_ipc__get_path in git's compat/fsmonitor. */
function socketElsewhere(worktree: string, { socketDirectory = '' }: Config): string {
  // Loaded where it is needed, for it takes as long as a good part of a start.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const name = `.git-fsmonitor-${createHash('sha1').update(worktree).digest('hex')}`;
  return resolve(socketDirectory === '' ? homedir() : expandHome(socketDirectory), name);
}

function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}
