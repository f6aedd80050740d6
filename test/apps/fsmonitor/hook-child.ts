// Runs a hook as git does.
import { spawn } from 'node:child_process';
import { buffer, text } from 'node:stream/consumers';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { within } from '../../support/serving.ts';

export async function spawnHook(
  t: ExecutionContext,
  script: string,
  args: readonly string[],
  { cwd, env }: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<{ code: number; stdout: Buffer; stderr: string }> {
  const { GIT_DIR: _dir, ...rest } = process.env;
  const child = spawn(script, args, { cwd, env: { ...rest, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const output = Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')]);
  const [stdout, stderr, [code]] = await within(output, 'the hook did not end');
  return { code: code as number, stdout, stderr };
}
