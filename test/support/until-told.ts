import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { within } from './serving.ts';

/**
 * Starts a script of this directory that goes on until it is told to stop, and then reports: `load-child.ts`,
 * `watcher-child.ts`. Resolves when it has begun, with what ends it and gives its report.
 */
export async function untilTold<Report>(
  t: ExecutionContext,
  script: string,
  args: readonly string[],
): Promise<() => Promise<Report>> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const child = fork(file, args, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  t.teardown(() => child.kill('SIGKILL'));
  await within(once(child, 'message'), `${script} did not start`);
  return async () => {
    const reported = once(child, 'message');
    child.send('stop');
    const [report] = await within(reported, `${script} did not report`);
    return report as Report;
  };
}
