import type { Socket } from 'node:net';
import type { AnyActorRef } from 'xstate';
import type { ConnectionEffects, ConnectionEvent, Outcome } from '../machines/connection.ts';
import { Decoder, MALFORMED, MORE } from '../protocol/decode.ts';
import { encodeMessage, FLUSH } from '../protocol/encode.ts';
import { IncomingBody, type BodyOwner } from './body.ts';
import { bytesOf, chunksOf, isWhole, type ChunkIterator } from './chunks.ts';
import { Outgoing } from './outgoing.ts';
import type { Pool } from './pool.ts';
import { QUIT } from './quit.ts';
import * as failure from './server-errors.ts';
import type { SlotTaker } from './slots.ts';
import type { Answer, Chunk, RequestContext } from './types.ts';

/** What a client may send after its request, which nobody reads, in bytes. More is a client gone wrong. */
const MAX_SURPLUS = 65_536;

/** A whole answer up to this size is sent with its flush packet in one write. */
const ONE_WRITE = 65_536;

/** How long a client that has not spoken has left when the server stops, in milliseconds. git: 10, less than a busy machine may take to run it. */
const GRACE = 100;

const BYTES: ConnectionEvent = { type: 'BYTES' };
const REQUEST_COMPLETE: ConnectionEvent = { type: 'REQUEST_COMPLETE' };
const SLOT_AWAITED: ConnectionEvent = { type: 'SLOT_AWAITED' };
const SLOT_GRANTED: ConnectionEvent = { type: 'SLOT_GRANTED' };
const ANSWER_STARTED: ConnectionEvent = { type: 'ANSWER_STARTED' };
const HANDLER_DONE: ConnectionEvent = { type: 'HANDLER_DONE' };
const ANSWER_FLUSHED: ConnectionEvent = { type: 'ANSWER_FLUSHED' };
const HALF_CLOSED: ConnectionEvent = { type: 'HALF_CLOSED' };

/**
 * One connection: carries out what its machine asks for, and turns what happens on the socket and in the handler into
 * the machine's events. What to do about them is the machine's to say.
 */
export class Connection implements ConnectionEffects, BodyOwner, SlotTaker {
  readonly name: string;
  /** Where it stands in the pool's list. */
  place: number;
  /** The sweep in which something last moved, or nothing was waited for. */
  progress: number;
  actor: AnyActorRef | undefined;
  readonly #pool: Pool;
  readonly #socket: Socket;
  #decoder: Decoder | undefined;
  #body: IncomingBody | undefined;
  #outgoing: Outgoing | undefined;
  #context: HandlerContext | undefined;
  #iterator: ChunkIterator | undefined;
  /** A short answer that waits to be sent in one write with its flush packet. */
  #rest: Chunk | undefined;
  #surplus = 0;
  #phase: 'request' | 'waiting' | 'running' | 'settled' = 'request';
  #answerStarted = false;
  #requestOver = false;
  #paused = false;
  #closed = false;

  constructor(name: string, pool: Pool, socket: Socket, place: number) {
    this.name = name;
    this.place = place;
    this.#pool = pool;
    this.#socket = socket;
    this.progress = pool.sweep;
    (socket as OwnedSocket)[OWNER] = this;
    socket.on('data', onData).on('end', onEnd).on('error', onError);
  }

  #send(event: ConnectionEvent): void {
    if (!this.#closed) this.actor?.send(event);
  }

  // ---- From the socket.

  received(chunk: Buffer): void {
    this.progress = this.#pool.sweep;
    if (this.#closed) return;
    if (this.#requestOver) {
      this.#surplusCame(chunk.length);
      return;
    }
    if (this.#decoder === undefined) {
      this.#decoder = new Decoder();
      this.#body = new IncomingBody(this);
      this.#send(BYTES);
    }
    const decoder = this.#decoder;
    const end = decoder.decode(chunk, this);
    if (end === MALFORMED) {
      this.#send({ type: 'PROTOCOL_ERROR', reason: failure.malformedRequest(decoder.problem as string) });
    } else if (decoder.bytes > this.#pool.limits.maxRequestBytes) {
      this.#send({
        type: 'LIMIT_EXCEEDED',
        reason: failure.requestTooLong(this.#pool.limits.maxRequestBytes),
      });
    } else if (end === MORE) {
      this.#requestGoesOn();
    } else {
      this.#requestOver = true;
      (this.#body as IncomingBody).complete();
      this.#resume();
      if (end < chunk.length) this.#surplusCame(chunk.length - end);
      if (this.#phase === 'request') this.#phase = 'waiting';
      this.#send(REQUEST_COMPLETE);
    }
  }

  /** The decoder's data: on its way to the handler, and counted. */
  data(chunk: Buffer, start: number, end: number): void {
    this.#pool.bufferedBytes += end - start;
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
    if (held > this.#pool.limits.window) return 'window';
    return this.#pool.bufferedBytes > this.#pool.limits.maxBufferedBytes ? 'maxBufferedBytes' : undefined;
  }

  bodyConsumed(bytes: number): void {
    this.#pool.bufferedBytes -= bytes;
    if (this.#paused && this.#overLimit() === undefined) this.#resume();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
    // A paused socket shows no hang-up.
    this.#pool.watch(this);
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#pool.unwatch(this);
    this.#socket.resume();
  }

  #surplusCame(bytes: number): void {
    this.#surplus += bytes;
    if (this.#surplus > MAX_SURPLUS)
      this.#send({ type: 'PROTOCOL_ERROR', reason: failure.surplus(MAX_SURPLUS) });
  }

  ended(): void {
    this.#send(HALF_CLOSED);
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
    if (!this.#pool.slots.acquire(this)) this.#send(SLOT_AWAITED);
  }

  get wantsSlot(): boolean {
    return this.#phase === 'waiting' && !this.#closed;
  }

  slotGranted(): void {
    this.#phase = 'running';
    this.#send(SLOT_GRANTED);
  }

  runHandler(): void {
    this.#context = new HandlerContext(this.name);
    let answer: Answer | Promise<Answer>;
    try {
      answer = this.#pool.handler(this.#body as IncomingBody, this.#context);
    } catch (error) {
      this.#handlerFailed(error);
      return;
    }
    if (isPromise(answer)) {
      answer.then(
        (value) => this.#answer(value),
        (error: unknown) => this.#handlerFailed(error),
      );
    } else {
      this.#answer(answer);
    }
  }

  #answer(answer: Answer): void {
    if (answer === undefined || answer === QUIT) {
      this.#handlerDone(answer);
    } else if (isWhole(answer) && answer.length <= ONE_WRITE) {
      this.#rest = answer;
      this.#handlerDone(undefined);
    } else {
      void this.#stream(answer);
    }
  }

  /** Sends an answer in pieces, each as it comes. Never rejects. */
  async #stream(answer: Exclude<Answer, void | typeof QUIT>): Promise<void> {
    try {
      if (isWhole(answer)) {
        await this.#sendChunk(answer);
        this.#handlerDone(undefined);
        return;
      }
      const iterator = chunksOf(answer, failure.THE_ANSWER);
      this.#iterator = iterator;
      for (;;) {
        const result = iterator.next();
        const { done, value } = isPromise(result) ? await result : result;
        if (done === true) {
          if (value !== undefined && value !== QUIT) throw failure.returnedFromGenerator();
          this.#handlerDone(value);
          return;
        }
        const taken = this.#sendChunk(value);
        if (taken !== undefined) await taken;
        if (this.#closed) {
          await iterator.return?.();
          this.#settle(HANDLER_DONE);
          return;
        }
      }
    } catch (error) {
      this.#handlerFailed(error);
    }
  }

  #sendChunk(chunk: unknown): Promise<void> | undefined {
    const data = bytesOf(chunk, failure.THE_ANSWER);
    if (data.length === 0 || this.#closed) return undefined;
    if (!this.#answerStarted) {
      this.#answerStarted = true;
      this.#openOutgoing();
      this.#send(ANSWER_STARTED);
    }
    // A client that writes all before it reads must be able to: up to a window, the handler need not wait for it.
    const allowance = this.#requestOver ? 0 : this.#pool.limits.window;
    return this.#outgoing?.write(data, allowance);
  }

  #openOutgoing(): Outgoing {
    this.#outgoing ??= new Outgoing(this.#socket, () => {
      this.progress = this.#pool.sweep;
    });
    return this.#outgoing;
  }

  #handlerDone(value: unknown): void {
    if (value === QUIT) this.#pool.quit();
    this.#settle(HANDLER_DONE);
  }

  /** What a handler throws after its signal was aborted is its way to end, and no news. */
  #handlerFailed(error: unknown): void {
    this.#settle({ type: 'HANDLER_FAILED', reason: failure.handlerFailed(error) });
  }

  /** The handler has ended: says how, and then frees its slot for the next. */
  #settle(event: ConnectionEvent): void {
    this.#phase = 'settled';
    this.#iterator = undefined;
    if (this.#closed) this.#pool.abandoned--;
    this.#send(event);
    this.#pool.slots.release();
  }

  finishAnswer(): void {
    const socket = this.#socket;
    socket.write(this.#rest === undefined ? FLUSH : encodeMessage(this.#rest));
    if (!this.#requestOver) {
      (this.#body as IncomingBody).discard(failure.handlerEnded);
      this.#resume();
    }
    if (socket.writableLength === 0 && socket.errored === null) {
      this.#send(ANSWER_FLUSHED);
    } else {
      void this.#openOutgoing()
        .taken()
        .then(() => this.#send(ANSWER_FLUSHED));
    }
  }

  watchForHangUp(): void {
    this.#pool.watch(this);
    this.checkForHangUp();
  }

  startGrace(): void {
    setTimeout(() => this.#send({ type: 'GRACE_OVER', reason: failure.stopping() }), GRACE);
  }

  close(outcome: Outcome, reason: Error | undefined): void {
    this.#closed = true;
    this.#socket.destroy();
    this.#pool.ended(this, outcome);
    this.#pool.unwatch(this);
    this.#body?.discard(reason === undefined ? failure.handlerEnded : () => reason);
    this.#outgoing?.close();
    if (this.#phase === 'waiting') {
      this.#pool.slots.forget();
    } else if (this.#phase === 'running') {
      this.#pool.abandoned++;
      this.#context?.abort(reason ?? failure.handlerEnded());
      this.#endIterator();
    }
  }

  /** Ends an answer that nobody waits for. A generator that is at work ends when it is next at a `yield`. */
  #endIterator(): void {
    const iterator = this.#iterator;
    if (iterator === undefined || !(Symbol.asyncIterator in iterator)) return;
    try {
      // What it throws now comes out of `next` as well, where #stream meets it.
      Promise.resolve(iterator.return?.()).catch(() => undefined);
    } catch {
      // The same, of an iterator whose `return` is no async function.
    }
  }

  /** Its actor crashed: the machine cannot close it any more. */
  crashed(reason: Error): void {
    if (!this.#closed) this.close('aborted', reason);
  }

  unexpected(event: string): never {
    throw failure.unexpectedEvent(event);
  }
}

/** What a handler is told beside the request. Its signal is made when it is asked for: most handlers never do. */
class HandlerContext implements RequestContext {
  readonly connection: string;
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  constructor(connection: string) {
    this.connection = connection;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

// One set of listeners for all sockets: closures would cost each connection more.
const OWNER = Symbol('connection');
type OwnedSocket = Socket & { [OWNER]?: Connection };

function onData(this: OwnedSocket, chunk: Buffer): void {
  this[OWNER]?.received(chunk);
}

function onEnd(this: OwnedSocket): void {
  this[OWNER]?.ended();
}

function onError(this: OwnedSocket, error: Error): void {
  this[OWNER]?.failed(error);
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === 'function';
}

const NOTHING = Buffer.alloc(0);
