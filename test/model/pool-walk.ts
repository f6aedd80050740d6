/**
 * Walks one path of the pool model against a real server: brings about each event, and looks at the transitions of the
 * pool and at what its clients receive. Only two kinds of event have no cause outside of the server, and are brought
 * about by faults in it: a connection that crashes, by a socket whose \`write\` throws, and a listener that fails.
 *
 * One at a time: the sockets of a server are found by Node's diagnostics channels, which are the process's.
 */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync, unlinkSync, writeFileSync } from 'node:fs';
import type { Server as NetServer, Socket } from 'node:net';

import type { AnyMachineSnapshot } from 'xstate';

import { serve, SimpleIpcError, type Server, type Transition } from '../../src/index.ts';
import type { ControlledServer } from '../../src/runtime/server.ts';
import { read } from '../protocol/reference.ts';
import { Changes } from './changes.ts';
import { Client, FLUSH, packets } from './client.ts';
import { LostRace } from './connection-walk.ts';
import type { Path } from './connection-model.ts';
import {
  eventsOf,
  kindOf,
  MAX_CONNECTIONS,
  next,
  situations,
  start,
  vertexOf,
  type PoolEventType,
  type PoolVertex,
} from './pool-model.ts';
import { Puppet } from './puppet.ts';

const WHOLE = 'a whole answer';
const wholeAnswer = Buffer.concat([packets(Buffer.from(WHOLE)), FLUSH]);
/** For an answer that waits for its client: more than the buffers of a socket, less than the window. */
const LARGE = 1_500_000;
const WINDOW = 2_000_000;
/** More crashes than a server bears. */
const TOO_OFTEN = 11;
/** As long as a timer of the shortest time takes to be due, in milliseconds. */
const A_MOMENT = 5;
/** How long nothing has to happen until a server ends that ends when it is idle: longer than any step takes. */
const A_WHILE = 100;

/** One client with its end of the server. */
interface Guest {
  readonly client: Client;
  readonly puppet: Puppet;
  /** What it receives if it is answered. */
  answer: Buffer;
  kind: 'accepted' | 'backlog' | 'quitter';
  ended?: 'answered' | 'crashed';
}

export class PoolWalk {
  readonly observed: { readonly event: PoolEventType; readonly vertex: PoolVertex }[] = [];
  readonly #path: Path;
  readonly #events: readonly PoolEventType[];
  readonly #socketPath: string;
  readonly #interpreted: boolean;
  readonly #changes = new Changes();
  readonly #trail: Transition[] = [];
  readonly #guests: Guest[] = [];
  readonly #sockets: Socket[] = [];
  #snapshot: AnyMachineSnapshot = start();
  #cursor = 0;
  #step = 0;
  #lost = false;
  #server: Server | undefined;
  #listener: NetServer | undefined;

  constructor(path: Path, socketPath: string, interpreted: boolean) {
    this.#path = path;
    this.#events = eventsOf(path);
    this.#socketPath = socketPath;
    this.#interpreted = interpreted;
  }

  async run(): Promise<void> {
    const onSocket = (message: unknown) => void this.#sockets.push((message as { socket: Socket }).socket);
    const onListen = (message: unknown) => (this.#listener = (message as { server: NetServer }).server);
    subscribe('net.server.socket', onSocket);
    subscribe('tracing:net.server.listen:asyncStart', onListen);
    try {
      await this.#path.test({
        states: { '*': (state) => this.#reached(state) },
        events: Object.fromEntries(this.#events.map((event) => [event, () => this.#bring(event)])),
      });
      await this.#over();
    } catch (error) {
      // A client of the backlog was not read before its grace was over, on a machine that is very busy.
      throw this.#lost ? new LostRace('in the backlog') : error;
    } finally {
      for (const { client, puppet } of this.#guests) {
        client.socket.destroy();
        puppet.done();
      }
      await this.#server?.close({ drainTimeout: 0 });
      unsubscribe('net.server.socket', onSocket);
      unsubscribe('tracing:net.server.listen:asyncStart', onListen);
    }
  }

  async #serve(): Promise<void> {
    this.#server = await serve(
      this.#socketPath,
      (request, { connection }) =>
        (this.#guests[Number(connection.slice(1)) - 1] as Guest).puppet.handle(request, WHOLE),
      {
        interpreted: this.#interpreted,
        maxConnections: MAX_CONNECTIONS,
        window: WINDOW,
        readTimeout: 0,
        writeTimeout: 0,
        idleTimeout: this.#events.includes('IDLE') ? A_WHILE : 0,
        pathCheckInterval: this.#events.includes('PATH_LOST') ? A_MOMENT : 0,
        onTransition: (transition) => {
          if (transition.actor === 'pool') this.#trail.push(transition);
          if ((transition.output as { outcome?: string } | undefined)?.outcome === 'refused')
            this.#lost = true;
          this.#changes.note();
        },
      },
    );
  }

  // ---- The clients.

  /** Connects, and has its request on the way: the connection is in the backlog when this returns. */
  #connect(kind: Guest['kind']): Guest {
    const client = new Client(this.#socketPath, this.#changes, kind !== 'quitter');
    client.socket.write(kind === 'quitter' ? packets(Buffer.alloc(WINDOW + 150_000)) : '0006hi0000');
    const guest: Guest = { client, puppet: new Puppet(this.#changes), answer: wholeAnswer, kind };
    this.#guests.push(guest);
    return guest;
  }

  /** Resolves when the handlers of all who are connected run, and have nothing to do. */
  async #allIdle(): Promise<void> {
    const open = this.#guests.filter(({ ended, kind }) => ended === undefined && kind !== 'quitter');
    await this.#until(() => open.every(({ puppet }) => puppet.idle), 'their handlers run');
  }

  /** The one to end next: the one that quit comes last, as it needs its client. */
  get #nextToEnd(): Guest {
    const open = this.#guests.filter(({ ended }) => ended === undefined);
    const order = { accepted: 0, backlog: 1, quitter: 2 };
    return open.toSorted((a, b) => order[a.kind] - order[b.kind])[0] as Guest;
  }

  // ---- The causes.

  async #bring(event: PoolEventType): Promise<void> {
    const index = this.#step++;
    const { situation } = situations(this.#path)[index] as ReturnType<typeof situations>[number];
    const later = this.#events.slice(index + 1);
    // Whoever is to come while the server drains is in the backlog when it begins to. No turn of the event loop passes
    // between this and the cause.
    if (situation.state === 'accepting' && ['DRAIN', 'QUIT', 'PATH_LOST', 'HANDOVER'].includes(event)) {
      for (const after of later) if (after === 'CONNECTION') this.#connect('backlog');
    }
    switch (event) {
      case 'PUBLISHED':
        await this.#serve();
        break;
      case 'START_FAILED': {
        writeFileSync(this.#socketPath, 'a file');
        const error: unknown = await this.#serve().catch((thrown: unknown) => thrown);
        equal((error as SimpleIpcError).code, 'SIMPLE_IPC_INVALID_PATH');
        break;
      }
      case 'CONNECTION':
        if (situation.state === 'accepting') {
          const quits = this.#guests.length === 0 && this.#quitterWaits();
          const { puppet } = this.#connect(quits ? 'quitter' : 'accepted');
          if (quits) puppet.yield(Buffer.alloc(LARGE));
          await this.#observe(event);
          await this.#until(() => puppet.idle, 'its handler runs');
          return;
        }
        break;
      case 'QUIT':
        this.#quit(later[0] !== 'xstate.done.actor.*');
        break;
      case 'DRAIN':
        void (this.#server as Server).close();
        break;
      case 'PATH_LOST':
        unlinkSync(this.#socketPath);
        break;
      case 'HANDOVER':
        (this.#server as ControlledServer).handOver();
        break;
      case 'DEADLINE':
        void (this.#server as Server).close({ drainTimeout: 0 });
        // The timer is due before anything else can happen: time passes, and the event loop does not turn.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, A_MOMENT);
        break;
      case 'LISTENER_FAILED':
        this.#listener?.emit(
          'error',
          Object.assign(new Error('a fault'), { code: 'EBADF', syscall: 'listen' }),
        );
        break;
      case 'CRASHED_TOO_OFTEN':
        await this.#crashTooOften();
        break;
      case 'xstate.done.actor.*':
        // The deadline ends them; one that has quit and does not wait has ended already.
        if (!situation.aborted && this.#events[index - 1] !== 'QUIT') await this.#answer(situation.listening);
        else if (this.#events[index - 1] === 'QUIT') this.#nextToEnd.ended = 'answered';
        break;
      case 'xstate.error.actor.*':
        if (!situation.listening) await this.#allIdle();
        this.#crash(this.#nextToEnd);
        break;
      case 'IDLE':
      case 'LISTENER_CLOSED':
      case 'ACCEPT_FAILED':
        break;
    }
    await this.#observe(event);
  }

  #quitterWaits(): boolean {
    return situations(this.#path).some(({ situation }) => situation.quitting);
  }

  #quit(waits: boolean): void {
    const guest = this.#guests.find(({ kind }) => kind === 'quitter') ?? this.#nextToEnd;
    equal(waits, guest.kind === 'quitter');
    if (!waits) guest.answer = FLUSH;
    guest.puppet.quit();
  }

  async #answer(listening: boolean): Promise<void> {
    // Before the listener is closed there is no time to wait for anything; who ends then is ready.
    if (!listening) await this.#allIdle();
    const guest = this.#nextToEnd;
    guest.ended = 'answered';
    if (guest.kind === 'quitter') {
      guest.client.read();
      guest.client.socket.write(FLUSH);
    } else {
      guest.puppet.done();
    }
  }

  #crash(guest: Guest): void {
    guest.ended = 'crashed';
    Object.assign(this.#sockets[this.#guests.indexOf(guest)] as Socket, {
      write: () => {
        throw new Error('a fault');
      },
    });
    guest.puppet.done();
  }

  /** Connections that come and crash, each a loop in the model, until the server has enough of it. */
  async #crashTooOften(): Promise<void> {
    const crashed = () => this.#guests.filter(({ ended }) => ended === 'crashed').length;
    while (crashed() < TOO_OFTEN) {
      const guest = this.#connect('accepted');
      await this.#observe('CONNECTION');
      await this.#until(() => guest.puppet.idle, 'its handler runs');
      this.#crash(guest);
      await this.#observe('xstate.error.actor.*');
    }
  }

  // ---- What is to be seen.

  async #observe(event: PoolEventType): Promise<void> {
    for (;;) {
      await this.#until(() => this.#trail.length > this.#cursor + 1, `${event} is to come`);
      const { from, to, event: type } = this.#trail[++this.#cursor] as Transition;
      const seen = kindOf(type);
      const before = vertexOf(this.#snapshot);
      this.observed.push({ event: seen, vertex: before });
      this.#snapshot = next(this.#snapshot, seen);
      const after = vertexOf(this.#snapshot);
      equal(from, before.state);
      equal(to, after.state);
      if (seen === event) return;
      // The machine was so busy that the server had nothing to do for so long.
      if (seen === 'IDLE') this.#lost = true;
      deepEqual(after, before, `${type} came before ${event}, and changed something`);
    }
  }

  /** The state is what the model says, and so is the number of open connections; who has ended has received its due. */
  async #reached(state: AnyMachineSnapshot): Promise<void> {
    const vertex = vertexOf(state);
    deepEqual(vertexOf(this.#snapshot), vertex);
    if (this.#server === undefined || state.status !== 'active') return;
    if (this.#trail.length > this.#cursor + 1) return;
    equal(this.#server.state, vertex.state);
    equal(this.#server.stats.open, vertex.open);
  }

  /** The server has ended as the model says; its path is free; and no client takes for an answer what is none. */
  async #over(): Promise<void> {
    const { reason } = vertexOf(this.#path.state);
    equal(this.#trail.length, this.#cursor + 1, 'nothing comes after the end');
    if (this.#server !== undefined) {
      const end = await this.#server.closed;
      equal(end.reason, reason);
      equal(end.error?.code, reason === 'failed' ? 'SIMPLE_IPC_SERVER_FAILED' : undefined);
      equal(this.#server.stats.open, 0);
      equal(this.#server.stats.crashed, this.#guests.filter(({ ended }) => ended === 'crashed').length);
      ok(!existsSync(this.#socketPath));
    }
    for (const { client, ended, answer, kind } of this.#guests) {
      if (!client.reading && !client.socket.destroyed) client.read();
      await this.#until(() => client.socket.closed, 'every client sees an end');
      if (ended !== 'answered') equal(read(client.received).end, 'more', 'no flush packet without an answer');
      else if (kind !== 'quitter') ok(client.received.equals(answer));
      else equal(read(client.received).data.length, LARGE);
    }
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const seen = () => this.#trail.map(({ event }) => event).join(' ');
    await this.#changes.until(condition, () => `waited in vain: ${what}; seen: ${seen()}`);
  }
}
