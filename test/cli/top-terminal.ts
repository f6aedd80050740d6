// A pseudo-terminal, and what stands on it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { eventually, within } from '../support/serving.ts';
import { MAIN } from './command.ts';

/** Whether there is util-linux's `script`, which makes pseudo-terminals. */
export const HAS_TERMINALS =
  process.platform === 'linux' &&
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');

export interface TerminalRun {
  /** The command's process. */
  pid(): number;
  /** All that was written to the terminal. */
  output(): string;
  /** What stands on it. */
  screen(): string[];
  type(keys: string): void;
  resize(columns: number, rows: number): void;
  /** Resolves when all that stands there, line by line, matches. */
  shows(pattern: RegExp): Promise<void>;
  /** Resolves with the exit code; 128 and the signal's number for one that a signal ended. */
  readonly ended: Promise<number>;
}

/** Runs `simple-ipc` on a terminal of 80 x 24. `wrap`: what the shell is to run in its place. */
export function onTerminal(
  t: ExecutionContext,
  args: readonly string[],
  { env = {}, wrap = (own) => own }: { env?: NodeJS.ProcessEnv; wrap?: (command: string) => string } = {},
): TerminalRun {
  const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const { NO_COLOR: _no, FORCE_COLOR: _force, CI: _ci, ...own } = process.env;
  const child = spawn(
    'script',
    ['-qefc', `stty cols 80 rows 24; echo "at $(tty) as $$"; exec ${wrap(command)}`, '/dev/null'],
    { stdio: 'pipe', env: { ...own, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', SHELL: '/bin/sh', ...env } },
  );
  t.teardown(() => child.kill('SIGKILL'));
  child.stdin.on('error', () => undefined);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const output = () => Buffer.concat(chunks).toString();
  const head = () => /at (\S+) as (\d+)/u.exec(output()) ?? [];
  let height = 24;
  const screen = () => screenOf(output(), height);
  const ended = within(
    once(child, 'close').then(([code]) => code as number),
    () => `it does not end:\n${screen().join('\n')}`,
  );
  ended.catch(() => undefined);
  t.teardown(() => {
    // It has a session of its own, and would outlive the one that gave it its terminal.
    try {
      process.kill(pid(), 'SIGKILL');
    } catch {
      // It has ended.
    }
  });
  const pid = () => Number(head()[2]);
  return {
    pid,
    output,
    screen,
    type: (keys) => void child.stdin.write(keys),
    resize(columns, rows) {
      height = Math.max(height, rows);
      spawnSync('stty', ['-F', head()[1] as string, 'cols', String(columns), 'rows', String(rows)]);
    },
    shows: (pattern) =>
      eventually(() => pattern.test(screen().join('\n')), `${String(pattern)} on the terminal`).catch(
        (error: unknown) => {
          throw new Error(`${String(error)}\n${screen().join('\n')}`);
        },
      ),
    ended,
  };
}

// oxlint-disable-next-line no-control-regex -- what terminals obey
const PIECES = /\u001B\[(\??)([\d;]*)([A-Za-z])|[\r\n]|[^\u001B\r\n]+/gu;

/** As a terminal of so many rows would show it: what is used here of its sequences. Throws for any other. */
export function screenOf(output: string, rows: number): string[] {
  let lines: string[] = [];
  let saved: string[] = [];
  let row = 0;
  let column = 0;
  for (const [piece, isPrivate, numbers = '', letter] of output.matchAll(PIECES)) {
    const [first = 1, second = 1] = numbers.split(';').map(Number);
    if (letter === undefined) {
      if (piece === '\r') column = 0;
      else if (piece === '\n') row++;
      else {
        const line = (lines[row] ?? '').padEnd(column);
        lines[row] = line.slice(0, column) + piece + line.slice(column + piece.length);
        column += piece.length;
      }
    } else if (isPrivate === '?' && numbers === '1049') {
      if (letter === 'h') [saved, lines] = [lines, []];
      else lines = saved;
    } else if (letter === 'H') {
      [row, column] = [Math.min(first, rows) - 1, second - 1];
    } else if (letter === 'K') {
      lines[row] = (lines[row] ?? '').slice(0, column);
    } else if (letter === 'J' && numbers === '2') {
      lines = [];
    } else if (letter === 'J') {
      lines[row] = (lines[row] ?? '').slice(0, column);
      lines.length = Math.min(lines.length, row + 1);
    } else if (letter !== 'm' && numbers !== '25') {
      throw new Error(`not known here: ${JSON.stringify(piece)}`);
    }
  }
  return Array.from(lines, (line) => line ?? '');
}
