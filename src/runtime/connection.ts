import type { AnyActorRef } from 'xstate';
import type {
  ConnectionEffects,
  ConnectionEvent,
  ConnectionOutput,
  ConnectionState,
  Outcome,
} from '../machines/connection.ts';
import type { ConnectionObserver, ObservedConnection, ServerObserver } from '../machines/observer.ts';
import { Decoder, MALFORMED, MORE } from '../protocol/decode.ts';
import { encodeMessage, FLUSH, packetsOf } from '../protocol/encode.ts';
import { IncomingBody, type BodyOwner } from './body.ts';
import { bytesOf } from './chunks.ts';
import { COPY, NOTHING, Outgoing } from './outgoing.ts';
import { HandlerRun, type HandlerOwner } from './handler-run.ts';
import { observerFailed } from './observe.ts';
import * as failure from './server-errors.ts';
import type { ServeLimits } from './options.ts';
import { closeNow, own, type AcceptedSocket, type SocketOwner } from './server-socket.ts';
import type { SlotTaker, Slots } from './slots.ts';
import { TrailerReader } from './trailer.ts';
import type { Chunk, Handler } from './types.ts';
import { beginsLine, HeldAnswer, LineDecoder, MAX_LINE } from './unframed.ts';

/** What a client may send after its request, which nobody reads, in bytes. More is a client gone wrong. */
const MAX_SURPLUS = 65_536;

/** How long a client that has not spoken has left when the server stops, in milliseconds. git: 10, less than a busy machine may take to run it. */
const GRACE = 100;

const NEWLINE = Buffer.from('\n');

/** On Windows no write is done at once: by the time that one of nothing could follow the last one, its client may be gone. */
const WRITES_LATER = process.platform === 'win32';

const BYTES: ConnectionEvent = { type: 'BYTES' };
const REQUEST_COMPLETE: ConnectionEvent = { type: 'REQUEST_COMPLETE' };
const SLOT_AWAITED: ConnectionEvent = { type: 'SLOT_AWAITED' };
const SLOT_GRANTED: ConnectionEvent = { type: 'SLOT_GRANTED' };
const ANSWER_STARTED: ConnectionEvent = { type: 'ANSWER_STARTED' };
const HANDLER_DONE: ConnectionEvent = { type: 'HANDLER_DONE' };
const ANSWER_FLUSHED: ConnectionEvent = { type: 'ANSWER_FLUSHED' };
const HALF_CLOSED: ConnectionEvent = { type: 'HALF_CLOSED' };
const DRAIN: ConnectionEvent = { type: 'DRAIN' };

/** What a connection shares with the others of its server. */
export interface ConnectionHost {
  readonly handler: Handler;
  readonly limits: ServeLimits;
  /** A request may be a line as well. */
  readonly unframed: boolean;
  readonly slots: Slots;
  /** The number of the sweep that looks for those that stand still. */
  readonly sweep: number;
  /** Request bytes held, for all. */
  bufferedBytes: number;
  /** Handlers running whose connection is gone. */
  abandoned: number;
  /** Looks after one that would not see a hang-up by reading. */
  watch(connection: Connection): void;
  unwatch(connection: Connection): void;
  /** One has closed. */
  ended(connection: Connection, outcome: Outcome): void;
  /** A handler returned `QUIT`. */
  quit(): void;
}

/**
 * One connection: carries out what its machine asks for, and turns what happens on the socket and in the handler into
 * the machine's events. What to do about them is the machine's to say.
 */
export class Connection
  implements ConnectionEffects, SocketOwner, BodyOwner, SlotTaker, HandlerOwner, ObservedConnection
{
  /** Where it stands in the pool's list. */
  place: number;
  /** The sweep in which something last moved, or nothing was waited for. */
  progress: number;
  actor: AnyActorRef | undefined;
  #observer: ConnectionObserver | undefined;
  /** The machine takes an event. */
  taking = false;
  readonly number: number;
  readonly #host: ConnectionHost;
  readonly #socket: AcceptedSocket;
  #decoder: Decoder | LineDecoder | undefined;
  #body: IncomingBody | undefined;
  #outgoing: Outgoing | undefined;
  #run: HandlerRun | undefined;
  /** An answer that was given whole, to be sent with its flush packet. */
  #rest: Chunk | undefined;
  /** The answer to a line. */
  #held: HeldAnswer | undefined;
  #next: ConnectionEvent | undefined;
  #later: ConnectionEvent[] | undefined;
  #surplus = 0;
  #trailer: TrailerReader | undefined;
  #phase: 'request' | 'waiting' | 'running' | 'settled' = 'request';
  #answerStarted = false;
  #requestOver = false;
  #paused = false;
  #closed = false;

  constructor(number: number, host: ConnectionHost, socket: AcceptedSocket, place: number) {
    this.number = number;
    this.place = place;
    this.#host = host;
    this.#socket = socket;
    this.progress = host.sweep;
    own(socket, this);
  }

  /** Made when it is asked for: without observers, few ask. */
  get name(): string {
    return `c${this.number}`;
  }

  get framed(): boolean {
    return this.#held === undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  // ---- For observers. Whatever one throws ends its part in this connection, and nothing else.

  observe(server: ServerObserver | undefined): void {
    try {
      this.#observer = server?.connection(this);
    } catch (error) {
      observerFailed(error);
    }
  }

  get isObserved(): boolean {
    return this.#observer !== undefined;
  }

  /** Not by `#tell`: that would be a closure for each transition. */
  told(event: string, to: ConnectionState, at: number, output: ConnectionOutput | undefined): void {
    try {
      this.#observer?.transition(event, to, at, output);
    } catch (error) {
      this.#observer = observerFailed(error);
    }
  }

  #tell(what: (observer: ConnectionObserver) => void): void {
    if (this.#observer === undefined) return;
    try {
      what(this.#observer);
    } catch (error) {
      this.#observer = observerFailed(error);
    }
  }

  responseBytes = 0;
  responsePackets = 0;

  get requestBytes(): number {
    return this.#decoder?.bytes ?? 0;
  }

  get requestPackets(): number {
    return this.#decoder?.packets ?? 0;
  }

  head(): Uint8Array {
    return this.#body?.peek() ?? NOTHING;
  }

  #sending(bytes: number): void {
    this.responseBytes += bytes;
    this.responsePackets += packetsOf(bytes);
  }

  #send(event: ConnectionEvent): void {
    if (this.#closed) return;
    if (!this.taking) this.actor?.send(event);
    else if (this.#next === undefined) this.#next = event;
    else (this.#later ??= []).push(event);
  }

  /** What was sent while the machine took an event, to be taken after it. */
  nextEvent(): ConnectionEvent | undefined {
    const event = this.#closed ? undefined : this.#next;
    if (event !== undefined) this.#next = this.#later?.shift();
    return event;
  }

  drain(): void {
    this.#send(DRAIN);
  }

  abort(reason: Error): void {
    this.#send({ type: 'ABORTED', reason });
  }

  // ---- From the socket.

  received(chunk: Buffer, end: number): void {
    try {
      this.#read(chunk, end);
    } finally {
      // What the handler has not had by now is copied: the next read writes over it.
      this.#body?.keep();
    }
  }

  #read(chunk: Buffer, end: number): void {
    this.progress = this.#host.sweep;
    if (this.#closed) return;
    if (this.#requestOver) {
      this.#surplusCame(chunk.subarray(0, end));
      return;
    }
    if (this.#decoder !== undefined) {
      this.#decode(this.#decoder, chunk, end);
      return;
    }
    this.#decoder =
      this.#host.unframed && beginsLine(chunk[0] as number) ? this.#lineDecoder() : new Decoder();
    this.#body = new IncomingBody(this);
    // Most requests come in one chunk: that it came, and what it holds, are told in one go.
    this.taking = true;
    try {
      this.#decode(this.#decoder, chunk, end);
    } finally {
      this.taking = false;
    }
    this.#send(BYTES);
    for (let event = this.nextEvent(); event !== undefined; event = this.nextEvent()) this.actor?.send(event);
  }

  #lineDecoder(): LineDecoder {
    this.#held = new HeldAnswer();
    return new LineDecoder();
  }

  #decode(decoder: Decoder | LineDecoder, chunk: Buffer, length: number): void {
    const end = decoder.decode(chunk, this, length);
    if (end === MALFORMED) {
      this.#malformed(decoder);
    } else if (decoder.bytes > this.#host.limits.maxRequestBytes) {
      this.#send({
        type: 'LIMIT_EXCEEDED',
        reason: failure.requestTooLong(this.#host.limits.maxRequestBytes),
      });
    } else if (end === MORE) {
      this.#requestGoesOn();
    } else {
      this.#requestOver = true;
      (this.#body as IncomingBody).complete();
      this.#resume();
      if (end < length) this.#surplusCame(chunk.subarray(end, length));
      if (this.#phase === 'request') this.#phase = 'waiting';
      this.#send(REQUEST_COMPLETE);
    }
  }

  #malformed(decoder: Decoder | LineDecoder): void {
    if (decoder instanceof LineDecoder)
      this.#send({ type: 'LIMIT_EXCEEDED', reason: failure.lineTooLong(MAX_LINE) });
    else this.#send({ type: 'PROTOCOL_ERROR', reason: failure.malformedRequest(decoder.problem as string) });
  }

  /** The decoder's data: on its way to the handler, and counted. */
  data(chunk: Buffer, start: number, end: number): void {
    this.#host.bufferedBytes += end - start;
    (this.#body as IncomingBody).data(chunk, start, end);
  }

  #requestGoesOn(): void {
    const body = this.#body as IncomingBody;
    body.deliver();
    const over = this.#overLimit();
    if (over === undefined) return;
    this.#pause();
    if (this.#phase !== 'request') return;
    this.#phase = 'waiting';
    this.#send({ type: 'REQUEST_OUTGREW', limit: over });
  }

  /** The limit that stands against reading more of this request now. One that holds nothing may always read. */
  #overLimit(): 'window' | 'maxBufferedBytes' | undefined {
    const { held } = this.#body as IncomingBody;
    if (held === 0) return undefined;
    if (held > this.#host.limits.window) return 'window';
    return this.#host.bufferedBytes > this.#host.limits.maxBufferedBytes ? 'maxBufferedBytes' : undefined;
  }

  bodyConsumed(bytes: number): void {
    this.#host.bufferedBytes -= bytes;
    if (this.#paused && this.#overLimit() === undefined) this.#resume();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
    // A paused socket shows no hang-up.
    this.#host.watch(this);
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#host.unwatch(this);
    this.#socket.resume();
  }

  /** What comes behind the request. Behind a delimiter packet it may be a trailer; nobody waits for it. */
  #surplusCame(chunk: Buffer): void {
    this.#surplus += chunk.length;
    if (this.#surplus > MAX_SURPLUS) {
      this.#send({ type: 'PROTOCOL_ERROR', reason: failure.surplus(MAX_SURPLUS) });
    } else if (this.#observer !== undefined && this.#decoder?.terminator === 'delimiter') {
      const trailer = (this.#trailer ??= new TrailerReader()).read(chunk);
      if (trailer !== undefined) this.#tell((observer) => observer.trailer(trailer));
    }
  }

  ended(): void {
    if (this.framed || this.#requestOver) this.#send(HALF_CLOSED);
    else this.#lineEnded();
  }

  /**
   * An end of file stands for the newline; but where the client is gone, who knows whether that was its whole line. A write
   * of nothing fails then.
   */
  #lineEnded(): void {
    this.#socket.write(NOTHING, (error) => {
      if (this.#closed || (error !== null && error !== undefined)) return;
      this.#decode(this.#decoder as LineDecoder, NEWLINE, NEWLINE.length);
      this.#send(HALF_CLOSED);
    });
  }

  failed(error: Error): void {
    this.#send({ type: 'HUNG_UP', reason: failure.hungUp(error) });
  }

  // ---- Time. The pool sweeps over its connections; see progress.ts.

  /** What this connection waits for its client to do; nothing where the server itself is at work. */
  get waitsFor(): 'read' | 'write' | undefined {
    if (this.#outgoing?.blocked === true) return 'write';
    if (this.#requestOver || this.#paused) return undefined;
    if (this.#phase === 'request' || this.#phase === 'settled') return 'read';
    return this.#body?.awaited === true ? 'read' : undefined;
  }

  timedOut(waitingFor: 'read' | 'write', timeout: number): void {
    this.#send({ type: 'TIMED_OUT', reason: failure.timedOut(waitingFor, timeout) });
  }

  /** A write of nothing fails where the client is gone, and does nothing where it only sends no more. */
  checkForHangUp(): void {
    if (!this.#closed && this.#socket.writableLength === 0) this.#socket.write(NOTHING);
  }

  // ---- The machine's effects.

  awaitSlot(): void {
    if (!this.#host.slots.acquire(this)) this.#send(SLOT_AWAITED);
  }

  get wantsSlot(): boolean {
    return this.#phase === 'waiting' && !this.#closed;
  }

  slotGranted(): void {
    this.#phase = 'running';
    this.#send(SLOT_GRANTED);
  }

  runHandler(): void {
    const run = new HandlerRun(this);
    this.#run = run;
    const body = this.#body as IncomingBody;
    const { handler } = this.#host;
    try {
      this.#observer?.handle(startRun, run, handler, body);
    } catch (error) {
      this.#observer = observerFailed(error);
    }
    if (!run.started) run.start(handler, body);
  }

  sendChunk(data: Buffer): Promise<void> | undefined {
    if (data.length === 0 || this.#closed) return undefined;
    if (this.#held !== undefined) {
      this.#held.add(data);
      return undefined;
    }
    if (!this.#answerStarted) {
      this.#answerStarted = true;
      this.#send(ANSWER_STARTED);
    }
    this.#sending(data.length);
    // A client that writes all before it reads must be able to: up to a window, the handler need not wait for it.
    return this.#out().write(data, this.#requestOver ? 0 : this.#host.limits.window);
  }

  handlerDone(rest: Chunk | undefined, quits: boolean): void {
    this.#rest = rest;
    if (quits) this.#host.quit();
    this.#settle(HANDLER_DONE);
  }

  /** What a handler throws after its signal was aborted is its way to end, and no news. */
  handlerFailed(error: unknown): void {
    this.#settle({ type: 'HANDLER_FAILED', reason: failure.handlerFailed(error) });
  }

  /** The handler has ended: says how, and then frees its slot for the next. */
  #settle(event: ConnectionEvent): void {
    this.#phase = 'settled';
    if (this.#closed) this.#host.abandoned--;
    this.#send(event);
    this.#host.slots.release();
  }

  finishAnswer(): void {
    if (!this.#requestOver) {
      (this.#body as IncomingBody).discard(failure.handlerEnded);
      this.#resume();
    }
    if (this.#held !== undefined) {
      const answer = this.#held.bytes();
      this.responseBytes = answer.length;
      this.#writeEnd(answer);
      return;
    }
    const rest = this.#rest;
    if (rest !== undefined && this.#observer !== undefined) this.#sending(Buffer.byteLength(rest));
    if (rest === undefined) this.#writeEnd(FLUSH);
    else if (rest.length <= COPY) this.#writeEnd(encodeMessage(rest));
    else this.#flushed(this.#out().end(bytesOf(rest, failure.THE_ANSWER)));
  }

  #writeEnd(end: Buffer): void {
    const socket = this.#socket;
    if (WRITES_LATER) return this.#flushed(this.#out().last(end));
    socket.write(end);
    this.#flushed(socket.writableLength === 0 && socket.errored === null ? undefined : this.#out().taken());
  }

  #flushed(taken: Promise<void> | undefined): void {
    if (taken === undefined) this.#send(ANSWER_FLUSHED);
    else void taken.then(() => this.#send(ANSWER_FLUSHED));
  }

  #out(): Outgoing {
    return (this.#outgoing ??= new Outgoing(this.#socket, () => {
      this.progress = this.#host.sweep;
    }));
  }

  watchForHangUp(): void {
    this.#host.watch(this);
    this.checkForHangUp();
  }

  startGrace(): void {
    const over = () => this.#send({ type: 'GRACE_OVER', reason: failure.stopping() });
    // Where this process was busy meanwhile, what has come is read first: timers run before sockets are looked at.
    setTimeout(() => setImmediate(over), GRACE).unref();
  }

  close(outcome: Outcome, reason: Error | undefined): void {
    this.#closed = true;
    closeNow(this.#socket);
    this.#host.ended(this, outcome);
    this.#host.unwatch(this);
    this.#body?.discard(reason === undefined ? failure.handlerEnded : () => reason);
    this.#outgoing?.close();
    if (this.#phase === 'waiting') {
      this.#host.slots.forget();
    } else if (this.#phase === 'running') {
      this.#host.abandoned++;
      this.#run?.abort(reason ?? failure.handlerEnded());
    }
  }

  /** Its actor crashed: the machine cannot close it any more. */
  crashed(reason: Error): void {
    this.#tell((observer) => observer.crashed(reason, performance.now()));
    if (!this.#closed) this.close('aborted', reason);
  }

  unexpected(event: string): never {
    throw failure.unexpectedEvent(event);
  }
}

const startRun = (run: HandlerRun, handler: Handler, body: IncomingBody): void => run.start(handler, body);
