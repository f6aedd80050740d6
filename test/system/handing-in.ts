// Stands in for a service manager: hands descriptors to processes.
import { spawn, type ChildProcess } from 'node:child_process';
import { renameSync } from 'node:fs';
import { createServer, type ListenOptions, type Server } from 'node:net';
import type { ExecutionContext } from 'ava';

/** Sets LISTEN_PID to the process that the arguments become. */
const EXEC = 'LISTEN_PID=$$ exec "$@"';

/** The descriptor that is behind a server or socket of Node.js, which has no public name. */
export function descriptorOf(owner: object): number {
  return (owner as { _handle: { fd: number } })._handle.fd;
}

export async function listen(t: ExecutionContext, where: ListenOptions): Promise<Server> {
  const server = createServer();
  t.teardown(() => server.close());
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(where, resolve));
  return server;
}

/** Starts a program with these descriptors from 3 on, as sd_listen_fds(3) has it. It ends with the test at the latest. */
export function spawnWith(
  t: ExecutionContext,
  descriptors: readonly number[],
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  const child = spawn('sh', ['-c', EXEC, 'sh', ...args], {
    stdio: ['pipe', 'pipe', 'pipe', ...descriptors],
    env: { ...process.env, LISTEN_FDS: String(descriptors.length), ...env },
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

/**
 * Holds a listening socket open at a path, without accepting, and starts the program with it as the descriptor 3 each time
 * that it gets a line: so does a service manager with its socket unit.
 */
export async function holdSocket(
  t: ExecutionContext,
  path: string,
  args: readonly string[],
): Promise<ChildProcess> {
  // Node unlinks the name that it bound, and accepts as long as it has it open.
  const server = await listen(t, { path: `${path}~` });
  renameSync(`${path}~`, path);
  const loop = `while read -r _; do sh -c '${EXEC}' sh "$@"; echo "ended $?"; done`;
  const child = spawn('sh', ['-c', loop, 'sh', ...args], {
    stdio: ['pipe', 'pipe', 'pipe', descriptorOf(server)],
    env: { ...process.env, LISTEN_FDS: '1' },
    // Its program would outlive it otherwise.
    detached: true,
  });
  t.teardown(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // All of them have ended.
    }
  });
  server.close();
  return child;
}
