/** Starts a server in a process of its own, and ends it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { RunningServer, StartServer } from '../types.ts';
import { findGit } from './find-git.ts';
import type { ChildSettings, Listening } from './server-child.ts';
import { hasEnded, startFailed } from './server-errors.ts';
import { kindOf } from './servers.ts';

/** In milliseconds. */
const START_TIMEOUT = 10_000;
const STOP_TIMEOUT = 5_000;
const COUNTS_TIMEOUT = 5_000;

/** So that no two have the same name in Jaeger. */
let started = 0;

export const startServer: StartServer = async (name, settings) => {
  const kind = kindOf(name);
  if (kind.file === 'git') findGit();
  const sampleRatio = settings.trace === true && kind.isOurs ? 1 : kind.settings?.sampleRatio;
  const serviceName = sampleRatio === undefined ? undefined : `bench ${name} ${process.pid}-${++started}`;
  const directory = await mkdtemp(join(tmpdir(), 'simple-ipc-bench-'));
  const path = join(directory, 'bench.sock');
  const childSettings: ChildSettings = {
    ...settings,
    ...kind.settings,
    ...(sampleRatio !== undefined && { sampleRatio }),
    ...(serviceName !== undefined && { serviceName }),
  };
  const program = fileURLToPath(new URL(`../servers/${kind.file}.ts`, import.meta.url));
  const child = spawn(process.execPath, [program, path, JSON.stringify(childSettings)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const said = lastWords(child);
  try {
    const about = await listening(name, child, said);
    const pid = about.pid ?? child.pid!;
    return {
      name,
      version: about.version,
      connectionPerRequest: kind.connectionPerRequest,
      path: about.path ?? path,
      pid,
      serviceName,
      counts: () => counts(name, child, said),
      close: () => stop(child, directory, pid),
    } satisfies RunningServer;
  } catch (error) {
    await stop(child, directory);
    throw error;
  }
};

/** What came of stderr so far, or the end of that. */
function lastWords(child: ChildProcess): () => string {
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-8_192)));
  return () => said;
}

async function listening(name: string, child: ChildProcess, said: () => string): Promise<Listening> {
  const { promise, resolve, reject } = Promise.withResolvers<Listening>();
  const failed = (how: string) => reject(startFailed(name, how, said()));
  const timer = setTimeout(() => failed(`did not listen within ${START_TIMEOUT / 1_000} s`), START_TIMEOUT);
  child.once('error', (error) => failed(error.message));
  // Not `exit`: what it said is complete only now.
  child.once('close', (code, signal) => failed(`ended with ${signal ?? code}`));
  // Read to the end: a server that nobody reads from would stop when the pipe is full.
  createInterface({ input: child.stdout! }).on('line', (line) => {
    if (line.startsWith('{"listening":true')) resolve(JSON.parse(line) as Listening);
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

async function counts(
  name: string,
  child: ChildProcess,
  said: () => string,
): Promise<Readonly<Record<string, number>>> {
  if (!child.connected) throw hasEnded(name, said());
  const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, number>>>();
  const answered = (message: unknown) => resolve((message as { counts: Record<string, number> }).counts);
  const ended = () => reject(hasEnded(name, said()));
  const timer = setTimeout(
    () => reject(new Error(`The server ${name} did not answer within ${COUNTS_TIMEOUT / 1_000} s.`)),
    COUNTS_TIMEOUT,
  );
  child.once('message', answered).once('close', ended);
  child.send('counts');
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    child.off('message', answered).off('close', ended);
  }
}

/** @param pid the process that serves, where that is another */
async function stop(child: ChildProcess, directory: string, pid = child.pid): Promise<void> {
  if (isRunning(child)) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      if (pid !== child.pid) killQuietly(pid);
    }, STOP_TIMEOUT);
    await ended;
    clearTimeout(timer);
  }
  await rm(directory, { recursive: true, force: true });
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function killQuietly(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
