import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { FsmonitorError, saidByGit } from './errors.ts';
import { disarmExecPath, isSameDirectory, realExecPath, writeExecPath } from './exec-path.ts';
import { runGit } from './git.ts';
import { findTransport, writeHook } from './hook.ts';
import { findRepository, type Repository } from './repository.ts';
import { restoreAll, setAll, type Settings } from './settings.ts';
import { shellWord } from './shell.ts';

/** What is to be done. */
export interface InstallOptions {
  /** For all repositories of this user, and not only for the one here. */
  readonly global: boolean;
  /** The hook, also for a git that has a client of its own. */
  readonly hook: boolean;
}

/** What does for `install` what it can't itself. */
export interface Installer {
  /** This program, from anywhere. */
  readonly command: readonly string[];
  readonly directory: string;
  /** Is told of each thing that is done, and of what is left for the user. */
  readonly say: (line: string) => void;
  /** Who listens there, if anybody does. */
  readonly listener: (repository: Repository) => Promise<'ours' | 'other' | undefined>;
  readonly start: (repository: Repository) => Promise<void>;
  readonly stop: (repository: Repository) => Promise<void>;
}

const HOOK = 'simple-ipc-fsmonitor';
const MEMORY = 'simple-ipc-fsmonitor.json';

/** Where this program keeps what is for all of a user's repositories: see "XDG Base Directory Specification". */
export function dataDirectory({ XDG_DATA_HOME: data = '' }: NodeJS.ProcessEnv = process.env): string {
  return join(data.startsWith('/') ? data : join(homedir(), '.local', 'share'), 'simple-ipc');
}

/**
 * Has git ask our daemon: by its own client where it has one, else by a hook. Can be done again, and then mends what is
 * missing.
 *
 * @throws {FsmonitorError} Where it cannot be, in git's words or our own.
 */
export async function install(options: InstallOptions, installer: Installer): Promise<void> {
  try {
    await installAll(options, installer);
  } catch (error) {
    const { syscall, message } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new FsmonitorError(`not all is installed: ${message}. Mend that, and install again; or --undo`, {
      cause: error,
    });
  }
}

async function installAll(options: InstallOptions, installer: Installer): Promise<void> {
  const { say } = installer;
  const place = await placeOf(options, installer);
  const { version, hasClient } = await gitVersion(place.settings.directory);
  if (hasClient && !options.hook) {
    await configure(place, installer, { 'core.fsmonitor': 'true', 'core.untrackedCache': 'true' });
    await installExecPath(place, installer);
  } else {
    const hook = await installHook(place, installer, version);
    await configure(place, installer, {
      'core.fsmonitor': shellWord(hook),
      'core.fsmonitorHookVersion': '2',
      'core.untrackedCache': 'true',
    });
  }
  if (place.repository === undefined) {
    say('In each repository the daemon starts with the first git status that finds none.');
  } else {
    await startOurs(place.repository, installer);
  }
}

/** Puts back what was there before, and ends our daemon. */
export async function uninstall(options: InstallOptions, installer: Installer): Promise<void> {
  const { say } = installer;
  const place = await placeOf(options, installer);
  const restored = await restoreAll(place.settings);
  if (restored === undefined) say(`Nothing is installed ${place.where}.`);
  for (const { key, values, isOthers } of restored ?? []) {
    const now = values.length === 0 ? 'is not set any more' : `is ${values.map(quoted).join(', ')} again`;
    say(isOthers ? `${key} was changed since, and is left as it is.` : `${key} ${now}, as it was.`);
  }
  if (existsSync(place.hook)) {
    rmSync(place.hook);
    say(`Removed the hook ${place.hook}.`);
  }
  rmSync(place.user, { force: true });
  await leaveExecPath(installer);
  if (place.repository === undefined) {
    say('Daemons that run go on: simple-ipc fsmonitor stop, in its repository, ends one.');
  } else if ((await installer.listener(place.repository)) === 'ours') {
    await installer.stop(place.repository);
    say('Stopped the daemon.');
  }
}

/** Where something is installed. */
interface Place {
  /** Nothing for all of them. */
  readonly repository: Repository | undefined;
  /** For messages: "in the repository ...". */
  readonly where: string;
  readonly settings: Settings;
  readonly hook: string;
  /** A file that says who uses the folder of git's commands. */
  readonly user: string;
}

async function placeOf({ global }: InstallOptions, { directory }: Installer): Promise<Place> {
  const data = dataDirectory();
  if (global) {
    return {
      repository: undefined,
      where: 'for all repositories of this user',
      settings: { scope: '--global', directory: '/', memory: join(data, MEMORY) },
      hook: join(data, HOOK),
      user: join(usersOf(data), 'global'),
    };
  }
  const repository = await findRepository(directory);
  const common = await commonDirectory(repository);
  return {
    repository,
    where: `in the repository ${repository.worktree}`,
    settings: { scope: '--local', directory: repository.worktree, memory: join(common, MEMORY) },
    hook: join(common, 'hooks', HOOK),
    user: join(usersOf(data), createHash('sha1').update(common).digest('hex')),
  };
}

/** Linked worktrees have their configuration together. */
async function commonDirectory({ worktree, gitDirectory }: Repository): Promise<string> {
  const { code, stdout, stderr } = await runGit(['rev-parse', '--git-common-dir'], worktree);
  if (code !== 0) throw saidByGit(stderr);
  const common = resolve(worktree, stdout.replace(/\n$/u, ''));
  return existsSync(common) ? common : gitDirectory;
}

/** Whether git has a client that asks a daemon, and, if not, can run a hook. */
async function gitVersion(directory: string): Promise<{ version: string; hasClient: boolean }> {
  const { stdout } = await runGit(['version', '--build-options'], directory);
  const [, version = 'an unknown version', major = '', minor = ''] =
    /^git version ((\d+)\.(\d+)\S*)/u.exec(stdout) ?? [];
  if (Number(major) < 2 || (Number(major) === 2 && Number(minor) < 26))
    throw new FsmonitorError(`git is ${version}, and 2.26 or newer is needed: older ones ask no daemon`);
  return { version, hasClient: /^feature: fsmonitor--daemon$/mu.test(stdout) };
}

async function configure(
  { settings, where }: Place,
  { say }: Installer,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const changed = await setAll(settings, wanted);
  for (const [key, value] of Object.entries(wanted)) {
    const change = changed.get(key);
    if (change === undefined) {
      say(`${key} is ${quoted(value)} already ${where}.`);
      continue;
    }
    const was = change.was.length === 0 ? '' : `; it was ${change.was.map(quoted).join(', ')}`;
    const { restored } = change;
    const undo = restored.length === 0 ? 'takes it out' : `puts ${restored.map(quoted).join(', ')} back`;
    say(`Set ${key} to ${quoted(value)} ${where}${was}. --undo ${undo}.`);
  }
}

/** So that a git that finds no daemon starts ours. */
async function installExecPath({ user, settings }: Place, { command, say }: Installer): Promise<void> {
  if (process.platform === 'win32') {
    say('A git status that finds no daemon starts its own: keep ours running by simple-ipc fsmonitor start.');
    return;
  }
  const folder = execFolder();
  const isNew = writeExecPath(folder, await realExecPath(folder), command);
  mkdirSync(dirname(user), { recursive: true });
  writeFileSync(user, `${settings.memory}\n`);
  say(`${isNew ? 'Wrote' : 'All is there already:'} ${folder}, git's commands with our daemon among them.`);
  if (isSameDirectory(process.env['GIT_EXEC_PATH'] ?? '', folder)) {
    say('GIT_EXEC_PATH names it already: a git that finds no daemon starts ours.');
  } else {
    say("Add this line to your shell's profile, so that a git that finds no daemon starts ours:");
    say(`  ${exportLine(folder)}`);
    say('Until then git starts its own daemon where ours does not run.');
    say('Install again when git or Node.js was updated: git may have more commands, and ours be elsewhere.');
  }
}

/** When nobody uses the folder any more, git starts its own daemon again. */
async function leaveExecPath({ say }: Installer): Promise<void> {
  const users = usersOf(dataDirectory());
  const folder = execFolder();
  if (!existsSync(folder) || usersIn(users).length > 0) return;
  if (!disarmExecPath(folder, await realExecPath(folder))) return;
  rmSync(users, { recursive: true, force: true });
  say(
    `${folder} has git's own commands now, and nothing of ours. If your shell's profile has this line, take it out:`,
  );
  say(`  ${exportLine(folder)}`);
  say(`and when no shell has it any more, remove the folder: rm -r ${shellWord(folder)}`);
}

function execFolder(): string {
  return join(dataDirectory(), 'git-exec');
}

function usersOf(data: string): string {
  return join(data, 'git-exec-users');
}

/** Those that are still there: a repository may have been deleted. */
function usersIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).filter((name) =>
    existsSync(readFileSync(join(directory, name), 'utf8').trimEnd()),
  );
}

function exportLine(folder: string): string {
  return basename(process.env['SHELL'] ?? '') === 'fish'
    ? `set -gx GIT_EXEC_PATH ${shellWord(folder)}`
    : `export GIT_EXEC_PATH=${shellWord(folder)}`;
}

async function installHook(
  { repository, hook }: Place,
  { command, say }: Installer,
  version: string,
): Promise<string> {
  if (process.platform === 'win32')
    throw new FsmonitorError(
      `git is ${version}, and on Windows 2.37 or newer is needed: hooks have no way to a daemon there`,
    );
  const transport = await findTransport();
  if (transport === undefined)
    throw new FsmonitorError(
      'no program here can talk to a Unix domain socket for the hook: install nc (of OpenBSD), socat or Perl',
    );
  const isElsewhere = repository !== undefined && dirname(repository.socket) !== repository.gitDirectory;
  writeHook(hook, { transport, command, elsewhere: isElsewhere ? repository : undefined });
  say(`Wrote the hook ${hook} for git ${version}, which asks the daemon by ${transport.name}.`);
  return hook;
}

async function startOurs(repository: Repository, { listener, start, stop, say }: Installer): Promise<void> {
  const who = await listener(repository);
  if (who === 'ours') {
    say('The daemon runs already.');
    return;
  }
  if (who === 'other') {
    await stop(repository);
    say("Stopped git's own daemon.");
  }
  await start(repository);
  say(`Started the daemon: it watches ${repository.worktree}.`);
}

function quoted(value: string): string {
  return JSON.stringify(value);
}
