// Runs the command as users do: in a process of its own.
import { temporaryDirectory } from '../support/temporary.ts';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

export const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface StartOptions {
  /** What it gets on its stdin, which is then closed. */
  readonly input?: string | Uint8Array;
  /** Leaves its stdout unread until `resume` is called. */
  readonly stalled?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export interface Ended {
  /** The exit code, or the signal that ended it. */
  readonly code: number | string;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A command at work. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves when what it wrote to stderr, or to stdout, matches; rejects when it ends before. */
  said(pattern: RegExp): Promise<void>;
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
  resume(): void;
  readonly ended: Promise<Ended>;
}

/** Starts `simple-ipc` with these arguments. It ends with the test at the latest. */
export function start(t: ExecutionContext, args: readonly string[], options: StartOptions = {}): Running {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: 'pipe',
    env: { ...env, ...options.env },
    ...(options.cwd === undefined ? undefined : { cwd: options.cwd }),
  });
  t.teardown(() => child.kill('SIGKILL'));
  // A command need not read its stdin.
  child.stdin.on('error', () => undefined).end(options.input);
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const resume = () => child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  if (options.stalled !== true) resume();
  const ended = once(child, 'close').then(([code, signal]): Ended => ({
    code: (code ?? signal) as number | string,
    stdout: Buffer.concat(stdout),
    stderr,
  }));

  async function matches(
    stream: NodeJS.ReadableStream,
    read: () => string,
    pattern: RegExp,
  ): Promise<RegExpMatchArray> {
    for (;;) {
      const match = pattern.exec(read());
      if (match !== null) return match;
      const over = new AbortController();
      const which = await Promise.race([
        once(stream, 'data', { signal: over.signal }).then(() => 'more'),
        ended.then(() => 'ended'),
      ]);
      over.abort();
      if (which === 'ended' && pattern.exec(read()) === null) {
        throw new Error(`It ended before it said ${String(pattern)}. It said: ${stderr}`);
      }
    }
  }

  return {
    child,
    pid: child.pid as number,
    said: async (pattern) => void (await matches(child.stderr, () => stderr, pattern)),
    printed: (pattern) => matches(child.stdout, () => Buffer.concat(stdout).toString(), pattern),
    resume,
    ended,
  };
}

/** Runs it to its end. */
export function run(t: ExecutionContext, args: readonly string[], options?: StartOptions): Promise<Ended> {
  return start(t, args, options).ended;
}

/** Starts `simple-ipc serve` and waits until it listens. */
export async function startServer(
  t: ExecutionContext,
  args: readonly string[] = [],
  options?: StartOptions,
): Promise<Running & { readonly path: string }> {
  const path = join(temporaryDirectory(t), 'app.sock');
  const server = start(t, ['serve', path, ...args], options);
  await server.said(/Listening at/u);
  return { ...server, path };
}

/** Resolves when nothing of a process group runs any more; what only waits to be reaped does not count. */
export async function groupIsGone(group: number): Promise<void> {
  while (isAlive(-group) && runs(group)) await new Promise((resolve) => setTimeout(resolve, 10));
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function runs(group: number): boolean {
  const processes = execFileSync('ps', ['-A', '-o', 'pgid=,stat='], { encoding: 'utf8' });
  return new RegExp(`^\\s*${group}\\s+[^Z\\s]`, 'mu').test(processes);
}
