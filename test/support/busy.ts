import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

import type { ExecutionContext } from 'ava';

/** Has a server at the path whose backlog is full, and which never accepts. */
export async function makeBusy(t: ExecutionContext, path: string): Promise<void> {
  const script = fileURLToPath(new URL('busy-child.ts', import.meta.url));
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  for (;;) {
    const socket = connect(path);
    t.teardown(() => socket.destroy());
    const refused = await new Promise<Error | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined));
      socket.once('error', resolve);
    });
    if (refused !== undefined) return;
  }
}
