import { devNull } from 'node:os';
import { fs } from '../runtime/builtins.ts';

const { closeSync, constants, fstatSync, openSync, readFileSync } = fs;
const { O_RDONLY, O_WRONLY, O_APPEND } = constants;
// Windows has none of these; nobody is on standby there.
const { O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants as Partial<typeof constants>;

/** The variable by which a process knows that it is on standby. */
export const STANDBY_VARIABLE = 'SIMPLE_IPC_STANDBY';

/** What a process on standby is told, on its stdin: all that is said to others when they are started. */
export interface Call {
  /** Those of Node.js first, as in the command that would start it. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** `null`: a variable that it is not to have. */
  readonly env: Readonly<Record<string, string | null>>;
  /** Where its output goes: the file that who calls it has opened, and looked at what it is. */
  readonly log: FileIdentity & { readonly file: string };
}

/** What tells files apart, whatever their names: of numbers that JSON has no way to write, the digits. */
interface FileIdentity {
  readonly dev: string;
  readonly ino: string;
}

export function identityOf(descriptor: number): FileIdentity {
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  return { dev: String(dev), ino: String(ino) };
}

/** Whether this process is on standby. Only the first who asks is told. */
export function isOnStandby(): boolean {
  const { [STANDBY_VARIABLE]: value } = process.env;
  delete process.env[STANDBY_VARIABLE];
  return value !== undefined;
}

/** Loads what `serve` loads when it is called. */
export async function loadServer(): Promise<void> {
  await Promise.all([import('../runtime/server.ts'), import('./log-limit.ts')]);
}

/**
 * Waits until this process is called, holding up all else in it, and makes it what it is called for: its directory, its
 * environment, its log. Gives what would stand behind its script, had it been started with that; nothing where it is not needed.
 */
export function awaitCall(): readonly string[] | undefined {
  const text = readFileSync(0, 'utf8');
  if (text === '') return undefined;
  const { args, cwd, env, log } = JSON.parse(text) as Call;
  // First: then what goes wrong is said there.
  for (const descriptor of [1, 2])
    replace(descriptor, log.file, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  const { dev, ino } = identityOf(1);
  // Whoever put another there is to get nothing of it.
  if (dev !== log.dev || ino !== log.ino) process.exit(1);
  replace(0, devNull, O_RDONLY);
  process.chdir(cwd);
  for (const [name, value] of Object.entries(env)) {
    if (value === null) delete process.env[name];
    else process.env[name] = value;
  }
  return args.slice(process.execArgv.length + 1);
}

/** The system gives the lowest number that is free. */
function replace(descriptor: number, file: string, flags: number): void {
  closeSync(descriptor);
  const opened = openSync(file, flags);
  if (opened !== descriptor) throw new Error(`${file} became descriptor ${opened}, not ${descriptor}`);
}
