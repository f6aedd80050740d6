/** Servers of this library in processes of their own. */
import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { processStat } from '../../src/runtime/proc.ts';
import type { HostOptions, HostReport } from './host-child.ts';
import { eventually, within } from './serving.ts';

const CHILD = fileURLToPath(new URL('host-child.ts', import.meta.url));

type Ended = HostReport & { type: 'ended' };

/** A server in another process. What it answers stands in host-child.ts. */
export interface RemoteServer {
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly ended: Promise<Ended>;
  close(options?: { drainTimeout?: number }): Promise<Ended>;
}

/** A process that holds servers. */
export interface Host {
  readonly pid: number;
  /** What its servers have told that is no error. */
  readonly notices: readonly string[];
  /** Starts a server; rejects with its error, of which `code` and `message` are left. */
  serve(path: string, options?: HostOptions): Promise<RemoteServer>;
  /** Sends a signal, and resolves when its process is gone (SIGKILL) or stopped (SIGSTOP). */
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Resolves with the signal that ended it, or its exit code. */
  readonly exited: Promise<string | number>;
}

export interface HostSetting {
  /** What it is handed, from 4 on: 3 is the channel to it. */
  readonly descriptors?: readonly number[];
  /** Who runs it. Default: who runs the test. */
  readonly uid?: number;
  readonly gid?: number;
}

/** The first descriptor that a host is handed. */
export const HANDED = 4;

export async function spawnHost(t: ExecutionContext, setting: HostSetting = {}): Promise<Host> {
  const { descriptors = [], ...user } = setting;
  const child = fork(CHILD, {
    ...user,
    // What it warns of, it reports.
    execArgv: ['--no-warnings'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', ...descriptors],
  });
  const pid = child.pid!;
  const exited = once(child, 'exit').then(([code, signal]) => (signal ?? code) as string | number);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const notices: string[] = [];
  const reports = new EventEmitter().setMaxListeners(0);
  child.on('message', (report: HostReport) => {
    if (report.type === 'notice') notices.push(report.message);
    else reports.emit(report.type === 'ready' ? 'ready' : `${report.type} ${report.id}`, report);
  });
  await within(once(reports, 'ready'), 'the host did not start');

  let servers = 0;
  return {
    pid,
    notices,
    exited,
    async serve(path, options = {}) {
      const id = ++servers;
      const ended = once(reports, `ended ${id}`).then(([report]) => report as Ended);
      const listening = once(reports, `listening ${id}`);
      const failed = once(reports, `failed ${id}`).then(([{ code, message }]) => {
        throw Object.assign(new Error(message), { code });
      });
      child.send({ type: 'serve', id, path, options });
      await within(Promise.race([listening, failed]), 'the server did not start');
      return {
        pid,
        ended,
        close(closing = {}) {
          child.send({ type: 'close', id, options: closing });
          return within(ended, 'the server did not end');
        },
      };
    },
    async signal(name) {
      process.kill(pid, name);
      if (name === 'SIGKILL') await exited;
      else if (name === 'SIGSTOP') await eventually(() => stateOf(pid) === 'T', 'the process is stopped');
    },
  };
}

/** A process of its own with one server. */
export async function hostServer(
  t: ExecutionContext,
  path: string,
  options: HostOptions = { control: true },
  setting: HostSetting = {},
): Promise<Host & { readonly server: RemoteServer }> {
  const host = await spawnHost(t, setting);
  return { ...host, server: await host.serve(path, options) };
}

/** The letter of a process's state in /proc/PID/stat. */
export function stateOf(pid: number): string | undefined {
  return processStat(pid)?.state;
}
