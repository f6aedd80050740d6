/**
 * git's own C server: `git fsmonitor--daemon`, in an empty repository made for it beside PATH. It answers `flush` with a
 * few bytes. Its socket is where git puts it, and it serves in a process of its own: both are told with `listening`.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findGit } from '../run/find-git.ts';
import { serverChild } from '../run/server-child.ts';

/** In milliseconds. */
const LOOK_AGAIN = 5;

const { path, listening } = serverChild({
  async close() {
    if (!daemonRuns()) return;
    // It has no better way to be told, but for a `quit` through the socket that is being measured.
    process.kill(daemonPid(), 'SIGTERM');
    await once(daemon, 'exit');
  },
});

const { bin, version, env } = findGit();
const home = dirname(path);
const directory = join(home, 'repository');
const options = { env: { ...env, HOME: home } };
execFileSync(bin, ['init', '--quiet', directory], options);
const daemon = spawn(bin, ['fsmonitor--daemon', 'run'], {
  ...options,
  cwd: directory,
  stdio: ['ignore', 'ignore', 'inherit'],
});
const socketPath = join(directory, '.git', 'fsmonitor--daemon.ipc');
while (!(await answers())) {
  if (!daemonRuns()) throw new Error(`git fsmonitor--daemon ended at once, with ${daemon.exitCode}.`);
  await delay(LOOK_AGAIN);
}
listening({ version, path: socketPath, pid: daemonPid() });
daemon.once('exit', () => process.exit(1));

function daemonRuns(): boolean {
  return daemon.exitCode === null && daemon.signalCode === null;
}

/** The socket may be there before it listens. */
function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => socket.write('0009flush0000'));
    socket.once('data', () => socket.destroy());
    socket.on('error', () => {});
    socket.once('close', () => resolve(socket.bytesRead > 0));
  });
}

/** SIMPLE_IPC_GIT may be a wrapper. One that does not become git has git for its only child. */
function daemonPid(): number {
  let pid = daemon.pid!;
  for (;;) {
    const child = onlyChild(pid);
    if (child === undefined) return pid;
    pid = child;
  }
}

function onlyChild(pid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? undefined : Number(children.split(' ')[0]);
  } catch {
    return undefined;
  }
}
