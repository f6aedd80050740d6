import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { createActor, type AnyActorLogic, type AnyActorRef, type Snapshot } from 'xstate';
import { compile } from '../machines/compile.ts';
import {
  type ConnectionContext,
  connectionMachine,
  type ConnectionOutput,
  type ConnectionState,
  type Outcome,
} from '../machines/connection.ts';
import { connectionTransitions } from '../machines/connection.generated.ts';
import {
  poolMachine,
  type PoolEffects,
  type PoolEvent,
  type PoolOutput,
  type PoolState,
} from '../machines/pool.ts';
import { poolTransitions } from '../machines/pool.generated.ts';
import { freshActors, reusedActors, type StartActor } from './connection-actors.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import { HangUpWatch, type Watched } from './hang-ups.ts';
import type { ServerObserver, Telemetry } from '../machines/observer.ts';
import { guarded, observed, observerFailed, transitionOf, TRANSPORT, valueOf, type Tell } from './observe.ts';
import type { ServeLimits } from './options.ts';
import { ProgressSweep } from './progress.ts';
import * as failure from './server-errors.ts';
import { Slots } from './slots.ts';
import type { Handler, ServeOptions, ServerStats, Transition } from './types.ts';

/** More crashes of connection actors than this, within the window in milliseconds, and the server gives up. */
const MAX_CRASHES = 10;
const CRASH_WINDOW = 10_000;

const compiled = {
  connection: compile(connectionMachine, connectionTransitions),
  pool: compile(poolMachine, poolTransitions),
};

type ConnectionSnapshot = Snapshot<ConnectionOutput> & { readonly context: ConnectionContext };

const connectionOf = ({ context }: ConnectionSnapshot) => context.effects as Connection;

/** What the pool needs done to the listener; server.ts has it. */
export interface Listener {
  readonly path: string;
  /** Gives up the path, accepts what the backlog holds, and closes. Never rejects. */
  giveUp(): Promise<void>;
}

/** Carries out what the pool machine asks for, and holds what its connections share. */
export class Pool implements PoolEffects, ConnectionHost {
  readonly actor: AnyActorRef;
  readonly handler: Handler;
  readonly limits: ServeLimits;
  readonly unframed: boolean;
  readonly slots: Slots;
  /** Request bytes held for all connections. */
  bufferedBytes = 0;
  /** Handlers running whose connection is gone. */
  abandoned = 0;
  /** How long running requests have left when the server drains, in milliseconds. */
  drainTimeout: number;
  /** The asynchronous context in which the server was started: what one request sets there is nothing to the next. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot();
  readonly #listener: Listener;
  readonly observer: ServerObserver | undefined;
  readonly #startActor: StartActor;
  #watchers: readonly ((transition: Transition) => void)[] = [];
  /** What every transition asks: a boolean is the least that it can cost. */
  #isWatched = false;
  /** In no order: each knows its place, and the last takes the place of one that leaves. */
  readonly #connections: Connection[] = [];
  readonly #sweep: ProgressSweep;
  readonly #hangUps = new HangUpWatch();
  readonly #crashes: number[] = [];
  #deadline: NodeJS.Timeout | undefined;
  #deadlineAt = Number.POSITIVE_INFINITY;
  /** What there was of it when it was set, in milliseconds. */
  #timeLeft = 0;
  #accepted = 0;
  #refused = 0;
  #acceptErrors = 0;
  #crashed = 0;
  readonly #ended: Record<Outcome, number> = {
    answered: 0,
    pinged: 0,
    'hung-up': 0,
    'protocol-error': 0,
    limit: 0,
    'timed-out': 0,
    'handler-failed': 0,
    aborted: 0,
    refused: 0,
  };

  constructor(handler: Handler, limits: ServeLimits, options: ServeOptions, listener: Listener) {
    this.handler = handler;
    this.limits = limits;
    this.unframed = options.unframed === true;
    this.drainTimeout = limits.drainTimeout;
    this.#listener = listener;
    this.slots = new Slots(limits.concurrency, this.#inOwnContext);
    this.#sweep = new ProgressSweep(limits, this.#connections);
    this.observer = this.#serverObserver(options.telemetry);
    if (options.onTransition !== undefined) this.observe(options.onTransition);
    const { observer } = this;

    const poolObserver = observer?.pool && guarded(observer.pool.bind(observer), 'An observer of the server');
    const tellPool: Tell<Snapshot<PoolOutput>> = (from, event, next, at) => {
      poolObserver?.(event.type, valueOf(next) as PoolState, at);
      if (this.#isWatched) this.#emit(transitionOf('pool', 'pool', from, event, next, at));
    };
    const tell: Tell<ConnectionSnapshot> = (from, event, next, at) => {
      const connection = connectionOf(next);
      connection.told(
        event.type,
        valueOf(next) as ConnectionState,
        at,
        next.status === 'done' ? next.output : undefined,
      );
      if (this.#isWatched) this.#emit(transitionOf('connection', connection.name, from, event, next, at));
    };
    const isObserved = (snapshot: ConnectionSnapshot) => this.#isWatched || connectionOf(snapshot).isObserved;

    const interpreted = options.interpreted === true;
    const poolLogic = (interpreted ? poolMachine : compiled.pool) as AnyActorLogic;
    this.actor = createActor(
      observed(
        poolLogic,
        () => this.#isWatched || poolObserver !== undefined,
        tellPool as Tell<Snapshot<unknown>>,
      ),
      { id: 'pool', input: { effects: this, maxConnections: limits.maxConnections } },
    );
    const connectionLogic = (interpreted ? connectionMachine : compiled.connection) as AnyActorLogic;
    const observedLogic = observed(
      connectionLogic,
      isObserved as () => boolean,
      tell as Tell<Snapshot<unknown>>,
    );
    this.#startActor = interpreted
      ? freshActors(observedLogic, this.actor)
      : reusedActors(
          observedLogic as AnyActorLogic as typeof compiled.connection,
          this.actor,
          () => this.#isWatched,
        );
  }

  /** Tells a listener of every transition from now on, until what it gives is called. */
  observe(listener: (transition: Transition) => void): () => void {
    const tell = guarded(listener, 'An observer of transitions');
    this.#watchers = [...this.#watchers, tell];
    this.#isWatched = true;
    return () => {
      this.#watchers = this.#watchers.filter((other) => other !== tell);
      this.#isWatched = this.#watchers.length > 0;
    };
  }

  #emit(transition: Transition): void {
    for (const watcher of this.#watchers) watcher(transition);
  }

  #serverObserver(telemetry: Telemetry | undefined): ServerObserver | undefined {
    try {
      return telemetry?.server({
        path: this.#listener.path,
        transport: TRANSPORT,
        stats: () => this.stats,
      });
    } catch (error) {
      return observerFailed(error);
    }
  }

  /** Starts the pool's actor; resolves when it has ended. Never rejects: a crash of the pool itself is a failure, too. */
  run(): Promise<PoolOutput> {
    return new Promise((resolve) => {
      this.actor.subscribe({
        complete: () => resolve(this.actor.getSnapshot().output as PoolOutput),
        error: (error: unknown) => {
          this.abandon();
          const message =
            'The pool crashed. This is a defect of simple-ipc: please report it, with the cause.';
          resolve({ reason: 'failed', error: failure.serverFailed(message, error, this.#listener.path) });
        },
      });
      this.actor.start();
    });
  }

  send(event: PoolEvent): void {
    // A server that has ended has nothing to do with what comes late.
    if (!this.isOver) this.actor.send(event);
  }

  /** The server has stopped or failed, and takes no connections. */
  get isOver(): boolean {
    return this.actor.getSnapshot().status !== 'active';
  }

  /** What follows is the server's, and not of the request that asked for it. */
  quit(): void {
    this.#inOwnContext(() => this.send({ type: 'QUIT' }));
  }

  get state(): PoolState {
    return (this.actor.getSnapshot() as unknown as { value: PoolState }).value;
  }

  get sweep(): number {
    return this.#sweep.count;
  }

  get accepted(): number {
    return this.#accepted;
  }

  get stats(): ServerStats {
    return {
      accepted: this.#accepted,
      refused: this.#refused,
      open: this.#connections.length,
      running: this.slots.taken,
      waiting: this.slots.waiting,
      abandoned: this.abandoned,
      bufferedBytes: this.bufferedBytes,
      ended: { ...this.#ended },
      acceptErrors: this.#acceptErrors,
      crashed: this.#crashed,
    };
  }

  /** A connection has closed: counts it, and forgets it. */
  ended(connection: Connection, outcome: Outcome): void {
    this.#ended[outcome]++;
    const last = this.#connections.pop() as Connection;
    if (last === connection) return;
    this.#connections[connection.place] = last;
    last.place = connection.place;
  }

  watch(connection: Watched): void {
    this.#hangUps.add(connection);
  }

  unwatch(connection: Watched): void {
    this.#hangUps.delete(connection);
  }

  // ---- The machine's effects.

  supervise(socket: unknown, hurried: boolean): void {
    const connection = new Connection(++this.#accepted, this, socket as Socket, this.#connections.length);
    this.#connections.push(connection);
    this.#sweep.begin();
    connection.observe(this.observer);
    this.#startActor(connection);
    if (hurried) connection.drain();
    // It has come when the time of the others was over already, and has the same time of its own.
    const drains = this.#deadlineAt !== Number.POSITIVE_INFINITY;
    if (drains && performance.now() >= this.#deadlineAt) this.#startDeadline(this.#timeLeft);
  }

  refuse(socket: unknown): void {
    this.#accepted++;
    (socket as Socket).on('error', () => undefined).destroy();
    const reason = failure.tooManyConnections(this.limits.maxConnections);
    this.send({ type: 'ACCEPT_FAILED', reason, limit: 'maxConnections' });
  }

  reportCrash(actor: string, error: unknown): void {
    this.#crashed++;
    const reason = failure.serverFailed('The connection crashed.', error, this.#listener.path);
    this.#connections.find(({ name }) => name === actor)?.crashed(reason);
    const now = performance.now();
    this.#crashes.push(now);
    while ((this.#crashes[0] as number) < now - CRASH_WINDOW) this.#crashes.shift();
    if (this.#crashes.length > MAX_CRASHES) {
      const message = `More than ${MAX_CRASHES} connections crashed within ${CRASH_WINDOW} ms; the last is the cause.`;
      this.send({
        type: 'CRASHED_TOO_OFTEN',
        reason: failure.serverFailed(message, error, this.#listener.path),
      });
    }
  }

  reportAcceptError(limit: string | undefined): void {
    if (limit === 'maxConnections') this.#refused++;
    else this.#acceptErrors++;
  }

  beginDrain(): void {
    void this.#listener.giveUp().then(() => this.send({ type: 'LISTENER_CLOSED' }));
  }

  hurryConnections(): void {
    for (const connection of this.#connections) connection.drain();
  }

  setDeadline(patient: boolean): void {
    const time = patient ? Math.max(this.drainTimeout, this.limits.readTimeout) : this.drainTimeout;
    // It is only ever shortened; where it has passed, who still came has a new one.
    const isOver = performance.now() >= this.#deadlineAt;
    if (!isOver && performance.now() + time >= this.#deadlineAt) return;
    clearTimeout(this.#deadline);
    this.#startDeadline(time);
  }

  #startDeadline(time: number): void {
    this.#deadlineAt = performance.now() + time;
    this.#timeLeft = time;
    this.#deadline = setTimeout(() => this.send({ type: 'DEADLINE' }), time);
  }

  abortConnections(): void {
    this.#abort(failure.drainDeadline(this.#timeLeft));
  }

  #abort(reason: Error): void {
    // One that is aborted leaves the list.
    for (const connection of this.#connections.slice()) connection.abort(reason);
  }

  abandon(): void {
    this.#abort(failure.serverFailed('The server has failed.', undefined, this.#listener.path));
    void this.#listener.giveUp();
  }

  unexpected(event: string): never {
    throw failure.unexpectedEvent(event);
  }

  /** Stops the timers, and lets the observer go. */
  release(): void {
    clearTimeout(this.#deadline);
    this.#sweep.stop();
    this.#hangUps.stop();
    try {
      this.observer?.ended?.();
    } catch (error) {
      observerFailed(error);
    }
  }
}
