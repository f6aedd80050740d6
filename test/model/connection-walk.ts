/**
 * Walks one path of the connection model against a real server: brings about each event by its real cause, and looks at
 * the transitions of that connection, at the bytes on its client's side, and at the trace that was made of it.
 */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { connect } from 'node:net';

import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { AnyMachineSnapshot } from 'xstate';

import { serve, type Server, type Transition } from '../../src/index.ts';
import { openTelemetry } from '../../src/telemetry/index.ts';
import { read } from '../protocol/reference.ts';
import { Changes } from './changes.ts';
import { Client, FLUSH, packets } from './client.ts';
import {
  eventsOf,
  next,
  start,
  vertexOf,
  type EventType,
  type Path,
  type Situation,
  type Vertex,
} from './connection-model.ts';
import { BEYOND_WINDOW, planOf, type Plan } from './connection-plan.ts';
import { Puppet } from './puppet.ts';
import { wrongWith } from './trace.ts';

/** The first packet of each request; BYTES is a part of its header. */
const FIRST = packets(Buffer.from('first'));
/** More than a socket's buffers hold, so that it waits in the server's memory for a client that does not read. */
const LARGE = 1_500_000;
/** More than may wait there. */
const TOO_LARGE = 4_000_000;
/** What the handler answers where it answers in one piece. */
const WHOLE = 'a whole answer';

/** The code of the reason that each failure gives. */
const CODES: Partial<Record<string, string>> = {
  'protocol-error': 'SIMPLE_IPC_PROTOCOL_ERROR',
  limit: 'SIMPLE_IPC_LIMIT_EXCEEDED',
  'timed-out': 'SIMPLE_IPC_TIMED_OUT',
  'handler-failed': 'SIMPLE_IPC_HANDLER_FAILED',
  aborted: 'SIMPLE_IPC_ABORTED',
  refused: 'SIMPLE_IPC_ABORTED',
};

/** The grace of a drain, or a time-out, was over before the path had come so far. It has to be walked again. */
export class LostRace extends Error {}

export class Walk {
  /** Each event that was observed, with the situation that it came in. */
  readonly observed: { readonly event: string; readonly situation: Situation }[] = [];
  readonly #path: Path;
  readonly #idle: EventType | undefined;
  readonly #plan: Plan;
  readonly #interpreted: boolean;
  readonly #socketPath: string;
  readonly #changes = new Changes();
  readonly #trail: Transition[] = [];
  readonly #puppet = new Puppet(this.#changes);
  readonly #spans = new InMemorySpanExporter();
  readonly #tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: this.#spans })],
  });
  readonly #blocker = Promise.withResolvers<void>();
  /** Where the real connection is, by replaying its transitions in the model. */
  #snapshot: AnyMachineSnapshot = start();
  #mayHold = false;
  #cursor = 0;
  #server: Server | undefined;
  #client: Client | undefined;
  /** What the handler was told to answer so far, as packets. */
  #answer: Buffer = Buffer.alloc(0);

  /** `idle`: an event that changes nothing, to come at the end of a path that does not end in `closed`. */
  constructor(path: Path, socketPath: string, interpreted: boolean, idle?: EventType) {
    this.#path = path;
    this.#idle = idle;
    this.#interpreted = interpreted;
    this.#socketPath = socketPath;
    this.#plan = planOf(path, idle);
  }

  async run(): Promise<void> {
    try {
      await this.#begin();
      const causes = new Set(eventsOf(this.#path));
      await this.#path.test({
        states: { '*': (state) => this.#reached(state) },
        events: Object.fromEntries([...causes].map((event) => [event, () => this.#bring(event)])),
      });
      if (vertexOf(this.#path.state).state === 'closed') await this.#over();
      if (this.#idle !== undefined) await this.#idles(this.#idle);
    } finally {
      await this.#end();
    }
    this.#checkTrace();
  }

  /** What was recorded of the connection is the path that it took. */
  #checkTrace(): void {
    const name = this.#plan.blocked ? 'c2' : 'c1';
    const spans = this.#spans
      .getFinishedSpans()
      .filter(({ attributes }) => attributes['simple_ipc.connection'] === name);
    deepEqual(wrongWith(spans, this.#trail), []);
  }

  // ---- The server, its handler, and its clients.

  async #begin(): Promise<void> {
    const name = this.#plan.blocked ? 'c2' : 'c1';
    const server = await serve(
      this.#socketPath,
      (request, { connection }) =>
        connection === name ? this.#puppet.handle(request, WHOLE) : this.#blocker.promise,
      {
        ...this.#plan.options,
        interpreted: this.#interpreted,
        telemetry: openTelemetry({ tracerProvider: this.#tracerProvider }),
        onTransition: (transition) => {
          if (transition.actor === name) this.#trail.push(transition);
          this.#changes.note();
        },
      },
    );
    this.#server = server;
    if (this.#plan.blocked) {
      const blocker = connect(this.#socketPath).on('error', () => undefined);
      blocker.resume().write('0006!!0000');
      await this.#until(() => server.stats.running === 1, 'the blocker runs');
    }
    this.#client = new Client(this.#socketPath, this.#changes, !this.#plan.paused);
    await this.#until(() => this.#trail.length > 0, 'the connection is accepted');
  }

  async #end(): Promise<void> {
    this.#client?.socket.destroy();
    this.#blocker.resolve();
    this.#puppet.done();
    await this.#server?.close({ drainTimeout: 0 });
  }

  #yield(size: number): void {
    const chunk = Buffer.alloc(size, 'chunk ');
    this.#answer = Buffer.concat([this.#answer, packets(chunk)]);
    this.#puppet.yield(chunk);
  }

  // ---- The causes.

  async #bring(event: EventType): Promise<void> {
    this.#cause(event, vertexOf(this.#snapshot));
    await this.#observe(event);
  }

  #cause(event: EventType, vertex: Vertex): void {
    const { socket } = this.#client as Client;
    const server = this.#server as Server;
    // A request that is handed over before it is complete is read only while its handler reads.
    const letRead = () => {
      if (vertex.running && !vertex.requestComplete && !vertex.finished) this.#puppet.read();
    };
    switch (event) {
      case 'BYTES':
        socket.write(FIRST.subarray(0, 2));
        return;
      case 'REQUEST_COMPLETE':
        letRead();
        if (vertex.state === 'reading-request') socket.write(FIRST.subarray(2));
        socket.write(FLUSH);
        return;
      case 'REQUEST_OUTGREW': {
        socket.write(FIRST.subarray(2));
        socket.write(packets(Buffer.alloc(this.#plan.window + 150_000, 'r')));
        return;
      }
      case 'SLOT_AWAITED':
        return;
      case 'SLOT_GRANTED':
        this.#blocker.resolve();
        return;
      case 'ANSWER_STARTED':
        this.#yield(this.#plan.held && !vertex.requestComplete ? LARGE : 500);
        return;
      case 'HANDLER_DONE':
        if (vertex.state === 'dispatching') this.#answer = packets(Buffer.from(WHOLE));
        this.#puppet.done();
        return;
      case 'HANDLER_FAILED':
        this.#puppet.fail();
        return;
      case 'ANSWER_FLUSHED':
        if (this.#plan.held) this.#client?.read();
        return;
      case 'HALF_CLOSED':
        letRead();
        socket.end();
        return;
      case 'HUNG_UP':
        socket.destroy();
        return;
      case 'PROTOCOL_ERROR':
        letRead();
        // After a complete request nothing is parsed; there may just not be too much of it.
        socket.write(vertex.requestComplete ? Buffer.alloc(70_000, '0') : 'no packet');
        return;
      case 'LIMIT_EXCEEDED':
        letRead();
        if (vertex.state === 'reading-request') socket.write(FIRST.subarray(2));
        socket.write(packets(Buffer.alloc(BEYOND_WINDOW, 'r')));
        return;
      case 'TIMED_OUT':
        if (vertex.state === 'streaming-response' && vertex.requestComplete) {
          if (!vertex.finished) this.#yield(TOO_LARGE);
        } else {
          letRead();
        }
        return;
      case 'DRAIN':
        void server.close();
        return;
      case 'GRACE_OVER':
        return;
      case 'ABORTED':
        void server.close({ drainTimeout: 0 });
        return;
    }
  }

  // ---- What is to be seen.

  /** Waits for the event, and takes it up; on the way to it only such as change nothing. */
  async #observe(event: EventType): Promise<void> {
    for (;;) {
      await this.#until(() => this.#trail.length > this.#cursor + 1, `${event} is to come`);
      const transition = this.#trail[++this.#cursor] as Transition;
      const before = vertexOf(this.#snapshot);
      this.observed.push({ event: transition.event, situation: { ...before, mayHold: this.#mayHold } });
      if (transition.event === 'ANSWER_STARTED' && !before.requestComplete) this.#mayHold = true;
      this.#snapshot = next(this.#snapshot, transition.event);
      const after = vertexOf(this.#snapshot);
      equal(transition.from, before.state);
      equal(transition.to, after.state);
      if (transition.event === event) return;
      const isLost =
        transition.event === 'TIMED_OUT' ||
        (transition.event === 'GRACE_OVER' && before.state === 'listening');
      if (isLost) throw new LostRace(`${transition.event} came before ${event}`);
      deepEqual(after, before, `${transition.event} came before ${event}, and changed something`);
    }
  }

  /** The event comes, and changes nothing: not the state, and nothing on the wire. */
  async #idles(event: EventType): Promise<void> {
    if (event === 'GRACE_OVER' && this.#trail.some((transition) => transition.event === event)) {
      throw new LostRace('before the end of the path');
    }
    await this.#bring(event);
    await this.#reached(this.#path.state);
  }

  /** The state is what the model says, and so is what the client has received. */
  async #reached(state: AnyMachineSnapshot): Promise<void> {
    const vertex = vertexOf(state);
    deepEqual(vertexOf(this.#snapshot), vertex);
    const { reading } = this.#client as Client;
    const expected = this.#expected(vertex);
    if (vertex.state === 'closed' || !reading) return;
    await this.#until(() => this.received.length >= expected.length, 'the client receives what was sent');
    ok(
      this.received.equals(expected),
      `the client has ${this.received.length} bytes, not ${expected.length}`,
    );
  }

  get received(): Buffer {
    return (this.#client as Client).received;
  }

  /** All that the server has sent at a vertex: the flush packet only after a whole answer. */
  #expected({ finished }: Vertex): Buffer {
    return finished ? Buffer.concat([this.#answer, FLUSH]) : this.#answer;
  }

  /** The connection has ended as the model says, and on the wire nothing looks like an answer that is none. */
  async #over(): Promise<void> {
    const client = this.#client as Client;
    const vertex = vertexOf(this.#path.state);
    const last = this.#trail.at(-1) as Transition;
    equal(this.#trail.length, this.#cursor + 1, 'nothing comes after the end');
    const { outcome, reason } = last.output as { outcome: string; reason?: { code?: string } };
    equal(outcome, vertex.outcome);
    equal(
      reason?.code,
      CODES[outcome] ?? (eventsOf(this.#path).at(-1) === 'HUNG_UP' ? 'SIMPLE_IPC_HUNG_UP' : undefined),
    );
    const { ended } = (this.#server as Server).stats;
    // The blocker may have ended in the same way.
    ok(this.#plan.blocked ? ended[outcome as 'answered'] >= 1 : ended[outcome as 'answered'] === 1);

    if (!client.reading && !client.socket.destroyed) client.read();
    await this.#until(() => client.socket.closed, 'the client sees the end');
    const { received } = this;
    const all = Buffer.concat([this.#answer, FLUSH]);
    if (vertex.outcome === 'answered' && eventsOf(this.#path).at(-1) !== 'HUNG_UP') {
      ok(received.equals(all), 'an answer is exactly its bytes and the flush packet');
      return;
    }
    ok(all.subarray(0, received.length).equals(received), 'what was received is the start of the answer');
    if (!vertex.answerFlushed)
      equal(read(received).end, 'more', 'without a whole answer there is no flush packet');
    else if (eventsOf(this.#path).at(-1) !== 'HUNG_UP')
      equal(received.length, all.length, 'the answer was whole before');
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const seen = () => this.#trail.map(({ event }) => event).join(' ');
    await this.#changes.until(condition, () => `waited in vain: ${what}; seen: ${seen()}`);
  }
}
