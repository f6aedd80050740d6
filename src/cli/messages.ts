/** More than this waiting for stderr or stdout, in bytes, and nobody reads it: what is only for the eye is left out. */
const STALLED = 65_536;

/** Whether this process was started apart from any terminal, and its stderr is a log. */
const isLogged = (process.env['SIMPLE_IPC_LOG'] ?? '') !== '';
let isDated = false;

/** From now on messages in a log say when, and of which process: one log has those of many servers. */
export function dateLog(): void {
  isDated = isLogged;
}

/** A message to the user, on stderr. */
export function say(message: string): void {
  ignoreLostTerminal();
  const from = isDated ? `${new Date().toISOString()} simple-ipc[${process.pid}]` : 'simple-ipc';
  if (process.stderr.writableLength < STALLED) process.stderr.write(`${from}: ${message}\n`);
}

/** Text for the eye, on stdout. */
export function show(text: string): void {
  if (process.stdout.writableLength < STALLED) process.stdout.write(text);
}

let isTerminalIgnored = false;

/** A terminal, or the reader of a log, that goes away is no reason to stop serving. */
export function ignoreLostTerminal(): void {
  if (isTerminalIgnored) return;
  isTerminalIgnored = true;
  process.stderr.on('error', () => undefined);
}

/** What the user did wrong, or what failed and has been said in full: the message is all there is to show. */
export class Failure extends Error {
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Says what went wrong, and gives the exit code for it. A stack is shown only for what should not happen. */
export async function reportError(error: unknown): Promise<number> {
  if (error instanceof Failure) {
    if (error.message !== '') say(error.message);
    return error.exitCode;
  }
  const { SimpleIpcError } = await import('../index.ts');
  if (error instanceof SimpleIpcError) {
    say(error.message);
    return error.code === 'SIMPLE_IPC_INVALID_ARGUMENT' ? 2 : 1;
  }
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}

/** An error's message, or what was thrown in its place. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** So many things: `1 request`, `2 requests`. */
export function plural(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}

/** A word as it can be pasted into a shell. */
export function quote(word: string): string {
  return /^[\w@%+=:,./\\-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Whether a locale is one of UTF-8. Windows has none. */
export function isUtf8({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  return /utf-?8/iu.test(LC_ALL || LC_CTYPE || LANG || '');
}

/** Whether a stream shows colours, and wants them: a terminal, and not NO_COLOR. */
export function hasColours(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env['NO_COLOR'] && stream.hasColors();
}
