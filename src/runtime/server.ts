import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { descriptorShortage } from './descriptors.ts';
import { errnoOf, invalidArgument, SimpleIpcError } from './errors.ts';
import { serveLimits, time } from './options.ts';
import { Pool } from './pool.ts';
import { publish, type Publication } from './rendezvous/publish.ts';
import * as failure from './server-errors.ts';
import type { Handler, ServeOptions, Server, ServerEnd } from './types.ts';

/** How many connections may wait to be accepted. The kernel's own limit (net.core.somaxconn, 4096 on Linux) is below it or the same. git: 50. */
const BACKLOG = 4_096;

/** As `serve` of src/index.ts, which says it all; `options.telemetry` is all that observes it. */
export async function serve(path: string, handler: Handler, options: ServeOptions = {}): Promise<Server> {
  if (typeof handler !== 'function')
    throw invalidArgument('serve needs a handler: serve(path, (request) => answer).');
  const limits = serveLimits(options);
  const { signal } = options;

  const server = createServer({ allowHalfOpen: true });
  let publication: Publication | undefined;
  let given: Promise<void> | undefined;
  const listener = {
    path,
    giveUp: () => (given ??= giveUp(server, publication, pool)),
  };
  const pool = new Pool(handler, limits, options, listener);
  const ended = pool.run();

  // A client may connect as soon as the socket is at the path, before the pool knows.
  const early: Socket[] = [];
  const isShort = descriptorShortage();
  const accept = (connection: Socket) => {
    if (isShort(connection)) {
      connection.destroy();
      pool.send({ type: 'ACCEPT_FAILED', reason: failure.noDescriptors(path), limit: 'descriptors' });
    } else if (pool.isOver) {
      // From the backlog of a server that has failed: nobody else would close it.
      connection.on('error', () => undefined).destroy();
    } else {
      pool.send({ type: 'CONNECTION', connection });
    }
  };
  const acceptEarly = (socket: Socket) => early.push(socket.on('error', () => undefined));
  server.on('connection', acceptEarly);
  server.on('error', (error) => {
    // Before it listens, publish tells of what fails.
    if (publication === undefined) return;
    const type = (error as NodeJS.ErrnoException).syscall === 'accept' ? 'ACCEPT_FAILED' : 'LISTENER_FAILED';
    const message = `The listening socket failed (${errnoOf(error) ?? error.message}).`;
    pool.send({ type, reason: failure.serverFailed(message, error, path) });
  });

  try {
    publication = await publish(server, path, {
      backlog: BACKLOG,
      lockTimeout: limits.lockTimeout,
      signal,
      onNotice: (message) => process.emitWarning(message, 'SimpleIpcWarning'),
    });
  } catch (error) {
    for (const socket of early) socket.destroy();
    pool.send({ type: 'START_FAILED', reason: error as Error });
    pool.release();
    throw error;
  }
  pool.send({ type: 'PUBLISHED' });
  server.off('connection', acceptEarly).on('connection', accept);
  for (const socket of early) accept(socket);

  const pathCheck = watchPath(publication, limits.pathCheckInterval, () => {
    pool.send({ type: 'PATH_LOST', reason: failure.pathLost(path) });
  });
  const drain = () => pool.send({ type: 'DRAIN' });
  signal?.addEventListener('abort', drain, { once: true });
  if (signal?.aborted === true) drain();

  const { promise: serverClosed, resolve: onServerClosed } = Promise.withResolvers<void>();
  server.once('close', onServerClosed);
  const closed = ended.then(async ({ reason, error }): Promise<ServerEnd> => {
    clearInterval(pathCheck);
    signal?.removeEventListener('abort', drain);
    await listener.giveUp();
    await serverClosed;
    publication.release();
    pool.release();
    return reason === 'failed' ? { reason, error: error as SimpleIpcError } : { reason };
  });

  const close = async (closing: { drainTimeout?: number } = {}): Promise<void> => {
    if (closing.drainTimeout !== undefined) {
      const timeout = time('drainTimeout', closing.drainTimeout);
      pool.drainTimeout = pool.state === 'draining' ? Math.min(timeout, pool.drainTimeout) : timeout;
    }
    drain();
    await closed;
  };
  return {
    path,
    get state() {
      return pool.state;
    },
    get stats() {
      return pool.stats;
    },
    closed,
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** The path first, so that nobody comes any more; then those who came already; then the listener. */
async function giveUp(server: NetServer, publication: Publication | undefined, pool: Pool): Promise<void> {
  await publication?.giveUp();
  await backlogServed(server, pool);
  server.close();
}

/** How many turns of the event loop without a connection mean that the backlog is empty. */
const QUIET_TURNS = 3;

/** Resolves when no connection has been accepted for a few turns of the event loop. */
async function backlogServed(server: NetServer, pool: Pick<Pool, 'accepted'>): Promise<void> {
  let accepted = -1;
  for (let turns = 0; turns < QUIET_TURNS && server.listening; turns++) {
    if (pool.accepted !== accepted) {
      accepted = pool.accepted;
      turns = 0;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function watchPath(publication: Publication, interval: number, lost: () => void): NodeJS.Timeout | undefined {
  if (interval === 0) return undefined;
  const check = async () => {
    // A check that fails proves nothing: the next one will tell.
    const stands = await publication.stands().catch(() => true);
    if (!stands) lost();
  };
  return setInterval(() => void check(), interval).unref();
}
