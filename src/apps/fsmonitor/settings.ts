import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FsmonitorError, saidByGit } from './errors.ts';
import { runGit } from './git.ts';

/** Settings of git that are changed, and put back as they were. */
export interface Settings {
  /** `--local` or `--global`. */
  readonly scope: '--local' | '--global';
  /** In the repository, for `--local`. */
  readonly directory: string;
  /** Where it is written down what they were. */
  readonly memory: string;
}

interface Memory {
  /** What each key was, all its values; none: it was not set. */
  readonly before: Record<string, string[]>;
  /** What it was set to since. */
  readonly set: Record<string, string>;
}

/**
 * Gives keys their values, and first writes down what they were: at the second time what they were before the first.
 *
 * @returns Those that were not as they should be: what each was, and what it will be put back to.
 * @throws {FsmonitorError} In git's words.
 */
export async function setAll(
  settings: Settings,
  wanted: Readonly<Record<string, string>>,
): Promise<Map<string, { was: readonly string[]; restored: readonly string[] }>> {
  const memory = recall(settings) ?? { before: {}, set: {} };
  const changed = new Map<string, { was: readonly string[]; restored: readonly string[] }>();
  for (const [key, value] of Object.entries(wanted)) {
    const values = await valuesOf(settings, key);
    const isOurs = memory.before[key] !== undefined && values.length === 1 && values[0] === memory.set[key];
    // What somebody has set since then is what is to be put back.
    if (!isOurs) memory.before[key] = values;
    memory.set[key] = value;
    if (values.length !== 1 || values[0] !== value)
      changed.set(key, { was: values, restored: memory.before[key] as string[] });
  }
  remember(settings, memory);
  for (const key of changed.keys()) await git(settings, ['--replace-all', key, wanted[key] as string]);
  return changed;
}

/** What came of putting one key back. */
export interface Restored {
  readonly key: string;
  /** What it is now. */
  readonly values: readonly string[];
  /** Somebody has changed it since, so it was left alone. */
  readonly isOthers: boolean;
}

/**
 * Puts the keys back to what they were; one that somebody has changed since then is left alone.
 *
 * @returns Nothing where nothing was written down.
 */
export async function restoreAll(settings: Settings): Promise<Restored[] | undefined> {
  const memory = recall(settings);
  if (memory === undefined) return undefined;
  const restored: Restored[] = [];
  for (const [key, before] of Object.entries(memory.before)) {
    const values = await valuesOf(settings, key);
    const isOthers = values.length !== 1 || values[0] !== memory.set[key];
    if (!isOthers) {
      await git(settings, ['--unset-all', key]);
      for (const value of before) await git(settings, ['--add', key, value]);
    }
    restored.push({ key, values: isOthers ? values : before, isOthers });
  }
  rmSync(settings.memory, { force: true });
  return restored;
}

/** All values of a key there, of a key alone an empty one. */
export async function valuesOf({ scope, directory }: Settings, key: string): Promise<string[]> {
  const { code, stdout, stderr } = await runGit(['config', scope, '--null', '--get-all', key], directory);
  // 1: it is not set. For --global there may be no file yet.
  if (code > 1 && stderr !== '') throw saidByGit(stderr);
  return stdout.split('\0').slice(0, -1);
}

async function git({ scope, directory }: Settings, args: readonly string[]): Promise<void> {
  const { code, stderr } = await runGit(['config', scope, ...args], directory);
  if (code !== 0) throw saidByGit(stderr === '' ? `fatal: git config ${args.join(' ')} failed\n` : stderr);
}

function recall({ memory: file }: Settings): Memory | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { before, set } = JSON.parse(text) as Partial<Memory>;
    if (before !== undefined && set !== undefined) return { before, set };
  } catch {
    // As good as of another kind.
  }
  throw new FsmonitorError(
    `'${file}' should say what git's settings were, and cannot be read: set core.fsmonitor as you like it, and remove that file`,
  );
}

function remember({ memory: file }: Settings, memory: Memory): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(memory, undefined, 2)}\n`);
  renameSync(`${file}.new`, file);
}
