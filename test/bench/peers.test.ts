import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { ExecutionContext } from 'ava';

import type { Client, ClientModule } from '../../bench/run/client.ts';
import { peerTest, type PeerKind } from '../support/peers.ts';
import { within } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';

const bench = new URL('../../bench/', import.meta.url);
type Dependency = '@grpc/grpc-js' | 'node-ipc' | 'sock-daemon' | 'vscode-jsonrpc';
const { dependencies } = JSON.parse(readFileSync(new URL('package.json', bench), 'utf8')) as {
  dependencies: Record<Dependency, string>;
};

/** The packages that bench/servers/NAME.ts and bench/clients/NAME.ts need, and the version that the server is of. */
const peers = {
  http: { packages: ['undici'], version: process.version },
  grpc: { packages: ['@grpc/grpc-js', '@grpc/proto-loader'], version: dependencies['@grpc/grpc-js'] },
  'node-ipc': { packages: ['node-ipc'], version: dependencies['node-ipc'] },
  'sock-daemon': { packages: ['sock-daemon'], version: dependencies['sock-daemon'] },
  'vscode-jsonrpc': { packages: ['vscode-jsonrpc'], version: dependencies['vscode-jsonrpc'] },
};

const LARGE = 64 * 1024;
const small = Buffer.from('ping');
/** Every byte that there is, so that it shows where one is not taken as it is. */
const large = Uint8Array.from({ length: LARGE }, (_, index) => index % 256);

for (const [name, { packages, version }] of Object.entries(peers)) {
  const peer = peerTest(installed(packages));

  for (const answerBytes of [4, LARGE]) {
    peer(`${name}: answers requests small and large with ${answerBytes} bytes`, async (t) => {
      const server = await start(t, name, answerBytes);
      t.is(server.version, version);
      const client = await connected(t, name, server.path);
      for (const bytes of [small, small, small, large]) {
        t.deepEqual(await ask(client, bytes), { received: answerBytes, marks: ['first byte'] });
      }
      t.deepEqual(await server.counts(), { served: 4 });
      await server.end('SIGTERM');
      t.is(server.lines(), 1);
    });
  }

  peer(`${name}: answers clients that ask at once`, async (t) => {
    const server = await start(t, name, 4);
    const { path } = server;
    const clients = await Promise.all(Array.from({ length: 8 }, () => connected(t, name, path)));
    const answers = await Promise.all(clients.map((client) => ask(client, small)));
    t.deepEqual(
      answers,
      clients.map(() => ({ received: 4, marks: ['first byte'] })),
    );
    t.deepEqual(await server.counts(), { served: 8 });
  });

  peer(`${name}: a request rejects when the server is gone, and so does another one`, async (t) => {
    const server = await start(t, name, 4);
    const client = await connected(t, name, server.path);
    await ask(client, small);
    server.pause();
    const pending = t.throwsAsync(ask(client, small), { instanceOf: Error });
    await server.end('SIGKILL');
    await within(pending, 'the request did not reject');
    await within(t.throwsAsync(ask(client, small), { instanceOf: Error }), 'the next one did not reject');
  });

  peer(`${name}: a client rejects where there is no server`, async (t) => {
    const { connect } = await clientModule(name);
    await within(
      t.throwsAsync(async () => connect(temporaryPath(t), 0), { instanceOf: Error }),
      'it did not reject',
    );
  });
}

function installed(packages: readonly string[]): PeerKind<true> {
  const missing = packages.filter((name) => !existsSync(new URL(`node_modules/${name}/package.json`, bench)));
  return {
    name: missing.join(' and '),
    remedy: 'run npm ci --prefix bench',
    find: () => missing.length === 0 || undefined,
  };
}

/** Runs a peer's server as the bench does. */
async function start(t: ExecutionContext, name: string, answerBytes: number) {
  const path = temporaryPath(t);
  const program = fileURLToPath(new URL(`servers/${name}.ts`, bench));
  const settings = JSON.stringify({ answerBytes, otlp: null });
  const child = fork(program, [path, settings], {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  t.teardown(() => child.kill('SIGKILL'));

  let said = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (said += text));
  await within(once(child.stdout!, 'data'), `${name} does not listen`);
  const { listening, version } = JSON.parse(said) as { listening: boolean; version: string };
  t.true(listening);

  return {
    path,
    version,
    lines: () => said.split('\n').length - 1,
    async counts() {
      child.send('counts');
      const [{ counts }] = await within(once(child, 'message'), `${name} does not count`);
      return counts as Record<string, number>;
    },
    /** Keeps it from answering. */
    pause: () => child.kill('SIGSTOP'),
    async end(signal: NodeJS.Signals) {
      const ended = once(child, 'close');
      child.kill(signal);
      await within(ended, `${name} does not end`);
    },
  };
}

function clientModule(name: string): Promise<ClientModule & { connectionPerRequest: boolean }> {
  // By a path that the compiler does not follow: the packages behind it may be missing.
  return import(new URL(`clients/${name}.ts`, bench).href);
}

async function connected(t: ExecutionContext, name: string, path: string): Promise<Client> {
  const { connect, connectionPerRequest } = await clientModule(name);
  t.false(connectionPerRequest);
  const client = await connect(path, 0);
  t.teardown(() => client.close());
  return client;
}

async function ask(client: Client, bytes: Uint8Array): Promise<{ received: number; marks: string[] }> {
  const marks: string[] = [];
  const received = await client.request(bytes, {
    connected: () => void marks.push('connected'),
    firstByte: () => void marks.push('first byte'),
  });
  return { received, marks };
}
