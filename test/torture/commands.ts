/** The command, run as users do, and what it says read as the code of an error. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { MAIN } from './setting.ts';

/** How long a command may take, in milliseconds: longer than anything in it may. */
export const COMMAND_LIMIT = 60_000;

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly said: string;
}

/** Runs `simple-ipc` with these arguments to its end. */
export async function runCommand(args: readonly string[], input?: Uint8Array): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe' });
  const out: Buffer[] = [];
  let said = '';
  child.stdin.on('error', () => undefined).end(input);
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_LIMIT);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  return { code, signal, stdout: Buffer.concat(out), said };
}

/** A server in the foreground. */
export interface Foreground {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves when it says that it listens, or has ended. */
  readonly settled: Promise<'up' | 'ended'>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  said(): string;
}

/** Runs a program that says `Listening` on its stderr when it does. */
export function runForeground(args: readonly string[]): Foreground {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  const up = new Promise<'up'>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
      if (said.includes('Listening at')) resolve('up');
    });
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return {
    child,
    pid: child.pid as number,
    settled: Promise.race([up, ended.then(() => 'ended' as const)]),
    ended,
    said: () => said,
  };
}

/** What the command says of each error, in the order in which it is to be looked for: one may quote another. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/was to start the server|was not started|Somebody else has been starting/u, 'SIMPLE_IPC_START_FAILED'],
  // It listened, and was ended before its starter saw it.
  [/Stopped serving|Ended: /u, 'ended'],
  [/A server listens at|can't be taken over/u, 'SIMPLE_IPC_ADDRESS_IN_USE'],
  [/Another process has been starting or stopping/u, 'SIMPLE_IPC_LOCKED'],
  [/has not stopped/u, 'SIMPLE_IPC_STOP_FAILED'],
  [/before its answer was complete/u, 'SIMPLE_IPC_HUNG_UP'],
  [/before anything was sent|backlog of connections is full/u, 'SIMPLE_IPC_BUSY'],
  [/There is nothing at/u, 'SIMPLE_IPC_PATH_NOT_FOUND'],
  [/no process listens on it/u, 'SIMPLE_IPC_NOT_LISTENING'],
  [/control endpoint/u, 'SIMPLE_IPC_NO_CONTROL'],
  [/Given up at/u, 'SIMPLE_IPC_ABORTED'],
];

/** The code of the error that a command has told of. */
export function codeOf(said: string, { signal }: { signal: NodeJS.Signals | null }): string {
  return WORDS.find(([words]) => words.test(said))?.[1] ?? signal ?? 'UNKNOWN';
}
