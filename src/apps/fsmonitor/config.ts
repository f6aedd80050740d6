import { resolve } from 'node:path';
import { FsmonitorError } from './errors.ts';
import { boolean, booleanWord, integer } from './values.ts';
import { fs } from './builtins.ts';

const { readFileSync } = fs;

/** What the user's configuration says of the daemon; see `git help config`, "fsmonitor". */
export interface Config {
  /** `fsmonitor.ipcThreads`: how many requests are handled at once. Default 8. */
  readonly ipcThreads: number;
  /** `fsmonitor.startTimeout`: how long `start` waits for the daemon, in seconds. Default 60. */
  readonly startTimeout: number;
  /** `fsmonitor.announceStartup`: `start` and `run` say so on stderr. Default false. */
  readonly announceStartup: boolean;
  /** `fsmonitor.allowRemote`, as it stands there: only for a worktree on a network file system it has to be right. */
  readonly allowRemote: string | undefined;
  /** `fsmonitor.socketDir`: where the socket is put for a repository on a network file system. Default: the home directory. */
  readonly socketDirectory: string | undefined;
}

const DEFAULTS: Config = {
  ipcThreads: 8,
  startTimeout: 60,
  announceStartup: false,
  allowRemote: undefined,
  socketDirectory: undefined,
};

/** One line of the configuration. */
interface Entry {
  /** `file:NAME`, `command line:`, ... */
  readonly origin: string;
  /** In lower case, as git gives it. */
  readonly key: string;
  /** Nothing for a key alone. */
  readonly value: string | undefined;
}

/** What asks git for it. */
export const CONFIG_COMMAND = [
  'config',
  '--null',
  '--show-origin',
  '--get-regexp',
  String.raw`^fsmonitor\.`,
] as const;

/**
 * Reads the answer to `CONFIG_COMMAND`. As in git each line has to be right, also one that a later one replaces.
 *
 * @param root - Where git has its relative file names from.
 * @throws {FsmonitorError} In git's words.
 */
export function readConfig(answer: string, root: string): Config {
  const config: { -readonly [Key in keyof Config]: Config[Key] } = { ...DEFAULTS };
  for (const entry of entriesOf(answer)) {
    switch (entry.key) {
      case 'fsmonitor.ipcthreads':
        config.ipcThreads = atLeast(1, entry, root);
        break;
      case 'fsmonitor.starttimeout':
        config.startTimeout = atLeast(0, entry, root);
        break;
      case 'fsmonitor.announcestartup':
        config.announceStartup = booleanOrNumber(entry, root);
        break;
      case 'fsmonitor.allowremote':
        config.allowRemote = entry.value ?? 'true';
        break;
      case 'fsmonitor.socketdir':
        config.socketDirectory = entry.value;
        break;
      default:
    }
  }
  return config;
}

/** @throws {FsmonitorError} Where it is no boolean. */
export function isRemoteAllowed({ allowRemote }: Config): boolean {
  if (allowRemote === undefined) return false;
  const isAllowed = boolean(allowRemote);
  if (isAllowed !== undefined) return isAllowed;
  throw new FsmonitorError(`bad boolean config value '${allowRemote}' for 'fsmonitor.allowremote'`);
}

function entriesOf(answer: string): Entry[] {
  const parts = answer.split('\0');
  const entries: Entry[] = [];
  for (let index = 0; index + 1 < parts.length; index += 2) {
    const text = parts[index + 1] as string;
    const end = text.indexOf('\n');
    const [key, value] = end === -1 ? [text, undefined] : [text.slice(0, end), text.slice(end + 1)];
    entries.push({ origin: parts[index] as string, key, value });
  }
  return entries;
}

function atLeast(least: number, entry: Entry, root: string): number {
  const number = numberOf(entry);
  if (number >= least) return number;
  throw outOfRange(`value of '${entry.key}' out of range: ${number}`, entry, root);
}

function booleanOrNumber(entry: Entry, root: string): boolean {
  const word = booleanWord(entry.value);
  if (word !== undefined) return word;
  const number = numberOf(entry);
  if (number >= 0) return number > 0;
  throw outOfRange(`value of '${entry.key}' not bool or int: ${number}`, entry, root);
}

function numberOf({ key, value = '', origin }: Entry): number {
  const number = integer(value);
  if (typeof number === 'number') return number;
  const file = fileOf(origin);
  const where = file === undefined ? '' : ` in file ${file}`;
  throw new FsmonitorError(`bad numeric config value '${value}' for '${key}'${where}: ${number}`);
}

function outOfRange(error: string, entry: Entry, root: string): FsmonitorError {
  const file = fileOf(entry.origin);
  const message =
    file === undefined
      ? `unable to parse '${entry.key}' from command-line config`
      : `bad config variable '${entry.key}' in file '${file}'${lineOf(entry, resolve(root, file))}`;
  return new FsmonitorError(message, { said: `error: ${error}\nfatal: ${message}\n` });
}

function fileOf(origin: string): string | undefined {
  return origin.startsWith('file:') ? origin.slice('file:'.length) : undefined;
}

/** git does not tell the number of the line to others: the first one of that name and value. */
function lineOf({ key, value = '' }: Entry, file: string): string {
  const name = key.slice(key.lastIndexOf('.') + 1);
  try {
    const index = readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((line) => {
        const [, found, text = ''] = /^\s*(?:\[[^\]]*\]\s*)?([\w-]+)\s*=?\s*"?([^"#;]*)/u.exec(line) ?? [];
        return found?.toLowerCase() === name && text.trim() === value;
      });
    return index === -1 ? '' : ` at line ${index + 1}`;
  } catch {
    return '';
  }
}
