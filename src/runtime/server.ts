import type { Server as NetServer, Socket } from 'node:net';
import { descriptorShortage } from './descriptors.ts';
import { errnoOf, invalidArgument, SimpleIpcError } from './errors.ts';
import { hasSuccessor, tellReplaced } from './handover.ts';
import { descriptor, identityOf, serveLimits, time, type ServeLimits } from './options.ts';
import { Pool } from './pool.ts';
import { controlPath, listenBeside } from './rendezvous/beside.ts';
import { adopt } from './rendezvous/descriptor.ts';
import type { Instance } from './rendezvous/instance.ts';
import { publish, type Publication } from './rendezvous/publish.ts';
import type { InstanceStatus } from './rendezvous/status.ts';
import * as failure from './server-errors.ts';
import { acceptDirectly } from './server-socket.ts';
import type { Handler, ServeOptions, Server, ServerEnd } from './types.ts';
import { net } from './builtins.ts';

const { createServer } = net;

/** How many connections may wait to be accepted. The kernel's own limit (net.core.somaxconn, 4096 on Linux) is below it or the same. git: 50. */
const BACKLOG = 4_096;

/** A server as its own control endpoint sees it. */
export interface ControlledServer extends Server {
  /** What it has written of itself; nothing where nothing could be. */
  readonly status: InstanceStatus | undefined;
  /** The server that it has taken the path from, and that does not know yet. */
  readonly replaced: InstanceStatus | undefined;
  readonly drainTimeout: number;
  /** Its path is another server's now: it serves what it has, and ends. */
  handOver(): void;
  /** Resolves when it serves nobody any more: the control endpoint, and what stands beside the socket, go after that. */
  readonly served: Promise<ServerEnd>;
}

/** What answers at a server's control endpoint. */
export type ControlOf = (server: ControlledServer) => Handler;

/** What a server is given from above, beside its options. */
export interface ServeHooks {
  /** What answers at its control endpoint. */
  readonly controlOf?: ControlOf | undefined;
  /** The file that its output goes to. */
  readonly log?: string | undefined;
}

/** As `serve` of src/index.ts, which says it all; `options.telemetry` is all that observes it. */
export async function serve(
  path: string,
  handler: Handler,
  options: ServeOptions = {},
  { controlOf, log }: ServeHooks = {},
): Promise<Server> {
  if (typeof handler !== 'function')
    throw invalidArgument('serve needs a handler: serve(path, (request) => answer).');
  const limits = serveLimits(options);
  const identity = { ...identityOf(options), log: log ?? null };
  const { takeover, signal } = options;
  const fd = options.fd === undefined ? undefined : descriptor(options.fd);
  if (fd !== undefined && takeover === true)
    throw invalidArgument('fd and takeover do not go together: the path of a descriptor is whose it was.');

  const { promise: started, resolve: onStarted } = Promise.withResolvers<ControlledServer>();
  let control: ControlledServer | undefined;
  const prepare = async (instance: Instance): Promise<ControlledServer> => {
    const ask: Handler = async (request, context) =>
      (controlOf as ControlOf)(await started)(request, context);
    control = await run(controlPath(instance), ask, CONTROL_LIMITS, {}, (server) =>
      listenBeside(server, instance, CONTROL_BACKLOG),
    );
    return control;
  };
  const closeControl = async () => control?.close();
  const publishing = {
    backlog: BACKLOG,
    lockTimeout: limits.lockTimeout,
    identity,
    takeover,
    signal,
    onNotice,
    ...(options.control === true && controlOf !== undefined ? { prepare } : undefined),
  };
  const server = await run(
    path,
    handler,
    limits,
    options,
    (listener) =>
      fd === undefined ? publish(listener, path, publishing) : adopt(listener, path, fd, publishing),
    closeControl,
  );
  onStarted(server);
  if (server.replaced !== undefined) await tellReplaced(server.replaced, onNotice);
  return server;
}

/** Limits of a control endpoint. It has few clients, and they are the user's own. */
const CONTROL_LIMITS = serveLimits({
  concurrency: Number.POSITIVE_INFINITY,
  maxConnections: 64,
  maxRequestBytes: 65_536,
  readTimeout: 5_000,
  drainTimeout: 1_000,
  pathCheckInterval: 0,
});
const CONTROL_BACKLOG = 64;

function onNotice(message: string): void {
  process.emitWarning(message, 'SimpleIpcWarning');
}

/** Runs a server that `listen` makes listen. `beforeRelease`: when it serves nobody any more, before what is beside it goes. */
async function run(
  path: string,
  handler: Handler,
  limits: ServeLimits,
  options: ServeOptions,
  listen: (server: NetServer) => Promise<Publication>,
  beforeRelease?: () => Promise<unknown>,
): Promise<ControlledServer> {
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
    publication = await listen(server);
  } catch (error) {
    for (const socket of early) socket.destroy();
    pool.send({ type: 'START_FAILED', reason: error as Error });
    pool.release();
    throw error;
  }
  pool.send({ type: 'PUBLISHED' });
  server.off('connection', acceptEarly).on('connection', accept);
  for (const socket of early) accept(socket);
  acceptDirectly(server, accept);

  const pathCheck = watchPath(publication, limits.pathCheckInterval, () => {
    // Who is replaced so ends without haste, whether it looks before it is told or cannot be told at all.
    if (hasSuccessor(publication.path)) pool.send({ type: 'HANDOVER' });
    else pool.send({ type: 'PATH_LOST', reason: failure.pathLost(path) });
  });
  const idleCheck = watchIdle(pool, limits.idleTimeout);
  const drain = () => pool.send({ type: 'DRAIN' });
  signal?.addEventListener('abort', drain, { once: true });
  if (signal?.aborted === true) drain();

  const { promise: serverClosed, resolve: onServerClosed } = Promise.withResolvers<void>();
  server.once('close', onServerClosed);
  const served = ended.then(async ({ reason, error }): Promise<ServerEnd> => {
    clearInterval(pathCheck);
    clearInterval(idleCheck);
    signal?.removeEventListener('abort', drain);
    await listener.giveUp();
    await serverClosed;
    return reason === 'failed' ? { reason, error: error as SimpleIpcError } : { reason };
  });
  const closed = served.then(async (end) => {
    await beforeRelease?.();
    publication.release();
    pool.release();
    return end;
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
    status: publication.status,
    replaced: publication.replaced,
    drainTimeout: limits.drainTimeout,
    observe: (watcher) => pool.observe(watcher),
    handOver: () => pool.send({ type: 'HANDOVER' }),
    served,
    closed,
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** The path first, so that nobody comes any more; then those who came already; then the listener. */
async function giveUp(server: NetServer, publication: Publication | undefined, pool: Pool): Promise<void> {
  await publication?.giveUp();
  await backlogServed(
    server,
    pool,
    publication?.isShared === true ? SHARED_BACKLOG : Number.POSITIVE_INFINITY,
  );
  server.close();
}

/**
 * How long the backlog of a socket is served that others hold as well, in milliseconds: its path goes on bringing clients, and
 * who is not accepted waits there for the next server.
 */
const SHARED_BACKLOG = 100;

/** How many turns of the event loop without a connection mean that the backlog is empty. */
const QUIET_TURNS = 3;

/**
 * Resolves when no connection has been accepted for a few turns of the event loop; or when as many have been as a backlog holds:
 * clients that still come then have another way in, such as a path that could not be given up, or a second name of the socket.
 */
async function backlogServed(server: NetServer, pool: Pick<Pool, 'accepted'>, limit: number): Promise<void> {
  const deadline = performance.now() + limit;
  const most = pool.accepted + BACKLOG;
  let accepted = -1;
  for (let turns = 0; turns < QUIET_TURNS && server.listening; turns++) {
    if (performance.now() >= deadline || pool.accepted > most) return;
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

/** Looks ten times in the time that it takes to be idle, so that no request pays for it. */
function watchIdle(pool: Pool, timeout: number): NodeJS.Timeout | undefined {
  if (timeout === 0) return undefined;
  let accepted = -1;
  let since = 0;
  const check = () => {
    const now = performance.now();
    const { open } = pool.stats;
    if (open > 0 || pool.accepted !== accepted) {
      accepted = pool.accepted;
      since = now;
    } else if (now - since >= timeout) {
      pool.send({ type: 'IDLE' });
    }
  };
  check();
  return setInterval(check, Math.max(1, timeout / 10));
}
