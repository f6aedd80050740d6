/** A command that asks a server, from its start to its end: one that starts the server itself, or that finds it there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measured } from '../aggregate.ts';
import { makeHistogram, record } from '../histogram.ts';
import type { ServerName } from '../types.ts';
import { startSample } from './start-sample.ts';

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Runs a round takes, of which the median counts. */
const RUNS = 5;
const TIMEOUT = 10_000;

/** What anybody would write without a library: `node -e` with these. */
const BARE_SERVER = `require('net').createServer((s) => { let r = ''; s.on('data', (d) => {
  if ((r += d).endsWith('0000')) s.end('0008pong0000') }) }).listen(process.argv[1])`;
const BARE_CLIENT = `const s = require('net').connect(process.argv[1], () => s.write('0008ping0000')); let a = '';
  s.on('data', (d) => (a += d)).on('end', () => process.stdout.write(a.slice(4, -4)))`;
const BARE_STARTER = `const { spawn } = require('child_process'), net = require('net'), path = process.argv[1];
  spawn(process.execPath, ['-e', process.argv[2], path], { detached: true, stdio: 'ignore' }).unref();
  (function ask() { const s = net.connect(path, () => s.write('0008ping0000')); let a = '';
    s.on('error', () => setTimeout(ask, 2)).on('data', (d) => (a += d)).on('end', () => process.stdout.write(a.slice(4, -4))) })()`;

type Kind = 'cold' | 'warm';

const BARE = 'node:net';

/** The arguments of Node.js for the command, and for the server that a warm one asks. */
function argumentsOf(name: ServerName, kind: Kind, path: string): readonly string[] {
  if (name === BARE) {
    return kind === 'warm' ? ['-e', BARE_CLIENT, path] : ['-e', BARE_STARTER, path, BARE_SERVER];
  }
  const send = [COMMAND, 'send', path, 'ping'];
  return kind === 'warm' ? send : [...send, '--start', '--', process.execPath, ...serverOf(name, path)];
}

function serverOf(name: ServerName, path: string): readonly string[] {
  return name === BARE ? ['-e', BARE_SERVER, path] : [COMMAND, 'serve', path];
}

export function measureCommand(kind: Kind): (name: ServerName) => Promise<Measured> {
  return async (name) => {
    const directory = await mkdtemp(join(tmpdir(), 'simple-ipc-bench-'));
    const lastByte = makeHistogram();
    let elapsed = 0;
    try {
      for (let run = 0; run < RUNS; run++) {
        const path = join(directory, `${run}.sock`);
        const took = await (kind === 'cold' ? coldly(name, path) : warmly(name, path));
        record(lastByte, took);
        elapsed += took;
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
    return {
      server: { version: process.versions.node, connectionPerRequest: true },
      sample: startSample({
        requests: RUNS,
        elapsed,
        lastByte,
        bytesSent: RUNS * 12,
        bytesReceived: RUNS * 12,
      }),
    };
  };
}

async function coldly(name: ServerName, path: string): Promise<number> {
  try {
    return await runCommand(argumentsOf(name, 'cold', path));
  } finally {
    await end(name, path);
  }
}

async function warmly(name: ServerName, path: string): Promise<number> {
  const server = spawn(process.execPath, serverOf(name, path), { stdio: 'ignore' });
  const ended = once(server, 'exit');
  try {
    await untilItAnswers(argumentsOf(BARE, 'warm', path));
    return await runCommand(argumentsOf(name, 'warm', path));
  } finally {
    server.kill();
    await ended;
  }
}

/** How long it takes, in microseconds. */
async function runCommand(args: readonly string[]): Promise<number> {
  const begun = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(child, 'close');
  const took = (performance.now() - begun) * 1_000;
  if (child.exitCode !== 0 || said !== 'pong')
    throw new Error(`The command answered ${JSON.stringify(said.slice(0, 200))}, not pong.`);
  return took;
}

async function untilItAnswers(args: readonly string[]): Promise<void> {
  const deadline = performance.now() + TIMEOUT;
  for (;;) {
    try {
      await runCommand(args);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

/** Ends the server that a command has left behind. The bare one is known by its path alone. */
async function end(name: ServerName, path: string): Promise<void> {
  const [program, args] =
    name === BARE ? ['pkill', ['-f', path]] : [process.execPath, [COMMAND, 'stop', path]];
  await once(spawn(program, args, { stdio: 'ignore' }), 'close');
}
