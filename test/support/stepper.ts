import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { PublishStep } from '../../src/runtime/rendezvous/publish.ts';
import { within } from './serving.ts';

const CHILD = fileURLToPath(new URL('stepper-child.ts', import.meta.url));

/** Has a process start a server, and sends it a signal when it has made a step. Gives what it printed, and how it ended. */
export async function spawnStepper(
  t: ExecutionContext,
  path: string,
  { step, signal, takeover }: { step: PublishStep; signal: NodeJS.Signals; takeover?: boolean },
): Promise<{ stdout: string; code: number | string }> {
  const args = [CHILD, path, step, signal, ...(takeover === true ? ['takeover'] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const stdout = await within(text(child.stdout), 'it did not end');
  const [code, by] = await exit;
  return { stdout, code: (code ?? by) as number | string };
}
