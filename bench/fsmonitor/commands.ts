/** Runs a program to its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Where {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

/** In milliseconds: longer than git waits for its daemon at most. */
const TIMEOUT = 120_000;

/** What it wrote on stdout. */
export async function output(program: string, args: readonly string[], where: Where): Promise<string> {
  const { stdout } = await run(program, args, where, 'pipe');
  return stdout;
}

/** How long it took from its start to its end, in microseconds. What it writes on stdout goes nowhere. */
export async function timed(program: string, args: readonly string[], where: Where): Promise<number> {
  const { took } = await run(program, args, where, 'ignore');
  return took;
}

async function run(program: string, args: readonly string[], where: Where, out: 'pipe' | 'ignore') {
  const command = [program, ...args].join(' ');
  // Not the timer of `spawn`, which keeps this process where there is no such program.
  const late = AbortSignal.timeout(TIMEOUT);
  const signals = where.signal === undefined ? [late] : [late, where.signal];
  const begun = performance.now();
  const child = spawn(program, args, {
    ...where,
    stdio: ['ignore', out, 'pipe'],
    signal: AbortSignal.any(signals),
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const closed = once(child, 'close');
  // It fails together with `exit`, which is waited for first.
  closed.catch(() => {});
  const [code, signal] = (await once(child, 'exit').catch((error: unknown) => {
    throw late.aborted ? new Error(`${command} did not end within ${TIMEOUT / 1_000} s.`) : error;
  })) as [number | null, NodeJS.Signals | null];
  const took = (performance.now() - begun) * 1_000;
  // A daemon that it leaves behind may hold stderr: only what is looked at is waited for.
  if (code !== 0 || out === 'pipe') await closed;
  else child.stderr!.destroy();
  if (code !== 0)
    throw new Error(`${command} ended with ${signal ?? code}. It said: ${stderr.trim() || 'nothing'}`);
  return { took, stdout };
}
