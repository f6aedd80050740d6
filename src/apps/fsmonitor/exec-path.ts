import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { FsmonitorError } from './errors.ts';
import { runGit } from './git.ts';
import { shellWord, shellWords } from './shell.ts';

/** The program by which git runs its own commands, also `fsmonitor--daemon` where it finds none. */
const GIT = 'git';
const MARK = '# Written by: simple-ipc fsmonitor install';

/**
 * Where git has its commands, whatever the environment says of that.
 *
 * @throws {FsmonitorError} Where git does not say.
 */
export async function realExecPath(folder: string): Promise<string> {
  const { GIT_EXEC_PATH: given, ...rest } = process.env;
  // Whoever has set it to something else has a reason.
  const env = given === undefined || isSameDirectory(given, folder) ? rest : process.env;
  const { code, stdout, stderr } = await runGit(['--exec-path'], '/', { env });
  if (code !== 0) throw new FsmonitorError(`git does not say where its commands are: ${stderr.trim()}`);
  return stdout.trimEnd();
}

/**
 * Writes a folder for GIT_EXEC_PATH: all of git's own commands, by links, and a `git` that has the daemon run by this program. It
 * may be in use: what is right in it is left alone.
 *
 * @returns Whether anything was changed.
 */
export function writeExecPath(folder: string, real: string, command: readonly string[]): boolean {
  if (existsSync(folder) && !isOurs(folder))
    throw new FsmonitorError(`'${folder}' has something else in it: move it away, and install again`);
  if (isSameDirectory(real, folder) || isOurScript(join(real, GIT)))
    throw new FsmonitorError(
      `'${real}' has been written by simple-ipc, and is not where git has its commands: unset GIT_EXEC_PATH`,
    );
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(real).filter((name) => name !== GIT);
  let changes = writeScript(join(folder, GIT), gitScript(join(real, GIT), command)) ? 1 : 0;
  for (const name of names) {
    const link = join(folder, name);
    const target = join(real, name);
    if (linkAt(link) === target) continue;
    rmSync(link, { force: true });
    symlinkSync(target, link);
    changes++;
  }
  const wanted = new Set([GIT, ...names]);
  for (const name of readdirSync(folder).filter((found) => !wanted.has(found))) {
    unlinkSync(join(folder, name));
    changes++;
  }
  return changes > 0;
}

/**
 * Leaves such a folder with git's own commands and nothing else. It stays: a git of a shell that still names it would do without half of its
 * commands.
 *
 * @returns Whether there is one.
 */
export function disarmExecPath(folder: string, real: string): boolean {
  if (!existsSync(folder) || !isOurs(folder)) return false;
  writeScript(join(folder, GIT), `#!/bin/sh\n${MARK}\nexec ${shellWord(join(real, GIT))} "$@"\n`);
  return true;
}

function gitScript(git: string, [node = '', ...rest]: readonly string[]): string {
  const main = rest.at(-1) ?? '';
  return `#!/bin/sh
${MARK}
# git runs its commands by this, for GIT_EXEC_PATH names this folder. All are git's own but the daemon that watches a worktree.
if [ "$1" = fsmonitor--daemon ] && [ -x ${shellWord(node)} ] && [ -e ${shellWord(main)} ]; then
  shift
  exec ${shellWords([node, ...rest])} fsmonitor "$@"
fi
exec ${shellWord(git)} "$@"
`;
}

function writeScript(file: string, text: string): boolean {
  if (isFileWith(file, text)) return false;
  const fresh = `${file}.new`;
  writeFileSync(fresh, text);
  chmodSync(fresh, 0o755);
  renameSync(fresh, file);
  return true;
}

function isFileWith(file: string, text: string): boolean {
  try {
    return readFileSync(file, 'utf8') === text;
  } catch {
    return false;
  }
}

function linkAt(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
    ? readlinkSync(path)
    : undefined;
}

/** It is empty, or has the program that is written here. */
function isOurs(folder: string): boolean {
  if (readdirSync(folder).length === 0) return true;
  return isOurScript(join(folder, GIT));
}

/** Whether a file is a script that is written here. */
function isOurScript(file: string): boolean {
  try {
    return readFileSync(file, 'latin1').includes(MARK);
  } catch {
    return false;
  }
}

/** Whether two names are of one directory. */
export function isSameDirectory(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}
