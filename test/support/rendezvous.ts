import { renameSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

import type { ExecutionContext } from 'ava';

import { errnoOf } from '../../src/runtime/errors.ts';
import { withAddress } from '../../src/runtime/rendezvous/address.ts';
import { knock } from '../../src/runtime/rendezvous/knock.ts';
import { publish, type PublishOptions } from '../../src/runtime/rendezvous/publish.ts';

/** A path of just that many bytes, through as many directories below `directory` as that takes. None of them is made. */
export function longName(directory: string, name: string, bytes: number): string {
  const missing = bytes - Buffer.byteLength(join(directory, name));
  // No part of a path may have more than 255 bytes.
  const count = Math.ceil(missing / 200);
  const parts = Array.from({ length: count }, (_, index) =>
    'd'.repeat(Math.floor((missing + index) / count) - 1),
  );
  return join(directory, ...parts, name);
}

/** A server that says `name` to whoever connects, and ends. */
export function speaker(name: string): Server {
  return createServer((socket) => {
    socket.on('error', () => {});
    socket.end(name);
  });
}

/** What the server at a path says. */
export function ask(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = withAddress(path, (address) => connect(address));
    socket.setEncoding('utf8');
    socket.on('data', (text) => (said += text));
    socket.on('error', reject);
    socket.on('close', () => resolve(said));
  });
}

/** Has a server listen at a path by the system's own means. */
export async function listenAt(
  t: ExecutionContext,
  path: string,
  server = speaker('plain'),
): Promise<Server> {
  t.teardown(() => server.close());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return server;
}

/** Leaves a socket at a path that nobody listens on, as a killed server does. */
export async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer();
  // Node unlinks the name that it bound, so that has to be another one.
  await new Promise<void>((resolve) => server.listen(`${path}~`, resolve));
  renameSync(`${path}~`, path);
  await closed(server);
  // A process that another test is just spawning has the descriptor, too, until it runs its program.
  while (errnoOf(await knock(path, { timeout: 1000 })) !== 'ECONNREFUSED');
}

export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}

/** What a publication cannot do without. */
export const PUBLISHING = {
  backlog: 50,
  lockTimeout: 5000,
  identity: { program: 'test', version: null, pathCheckInterval: 0, log: null },
} as const satisfies PublishOptions;

/** A server published at a path, which gives it up and closes with the test. */
export async function publishSpeaker(
  t: ExecutionContext,
  path: string,
  name: string,
  options: Partial<PublishOptions> = {},
) {
  const server = speaker(name);
  const publication = await publish(server, path, { ...PUBLISHING, ...options });
  const stop = async () => {
    await publication.giveUp();
    await closed(server);
    publication.release();
  };
  t.teardown(async () => {
    if (server.listening) await stop();
  });
  return { server, publication, stop };
}
