import { Decoder, MALFORMED, MORE } from '../protocol/decode.ts';
import type { CallObserver, CallState } from '../machines/observer.ts';
import { encodeMessage, encodeTrailer, FLUSH, packetsOf } from '../protocol/encode.ts';
import { IncomingBody, type BodyOwner } from './body.ts';
import { monotonicMs } from './builtins.ts';
import { bytesOf, chunksOf, endIterator, isWhole, type ChunkIterator } from './chunks.ts';
import * as failure from './client-errors.ts';
import { ClientSocket, type ClientSocketOwner } from './client-socket.ts';
import { NOTHING, Outgoing } from './outgoing.ts';
import { withAddress } from './rendezvous/address.ts';
import { connectError } from './rendezvous/connect-error.ts';
import type { IpcResponse, Message } from './types.ts';

/** How much of an answer is held for a reader that is slower than the server, in bytes. */
const WINDOW = 2 ** 20;

/** A whole message up to this size is sent with its flush packet in one write. */
const ONE_WRITE = 65_536;

/** How long a request is held back for a refusal that comes at once, in milliseconds. */
const HESITATION = 1;

/**
 * One request and its response over one connection. The two go on at once: a long answer may begin while a long request
 * is still being sent, and a complete answer is a success whatever becomes of the rest of the request.
 */
export class Exchange implements ClientSocketOwner, BodyOwner {
  /** The server has closed the connection before anything was sent, as one that stops does. */
  wasTurnedAway = false;
  readonly #socket: ClientSocket;
  readonly #path: string;
  readonly #timeout: number;
  readonly #decoder = new Decoder();
  readonly #body = new ResponseBody(this);
  readonly #responded = Promise.withResolvers<IpcResponse>();
  readonly #outgoing: Outgoing;
  #onEnd: ((error: Error | undefined) => void) | undefined;
  #error: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastProgress = monotonicMs();
  #doing = 'connecting';
  #isConnected = false;
  /** The caller's message, and not the server, is what is waited for. */
  #awaitingSource = false;
  /** A chunk was asked of the message: what it gave is gone. */
  #sourceAsked = false;
  #source: ChunkIterator | undefined;
  #paused = false;
  #over = false;
  #writeError: Error | undefined;
  readonly #observer: CallObserver | undefined;
  requestBytes = 0;
  requestPackets = 0;

  /**
   * `observer` is told what it does, but not its end.
   */
  constructor(path: string, timeout: number, observer?: CallObserver) {
    this.#observer = observer;
    this.#path = path;
    this.#timeout = timeout;
    this.#socket = new ClientSocket(this);
    this.#outgoing = new Outgoing(this.#socket, () => this.#progress());
    this.#socket.on('end', () => this.#ended()).on('error', (error) => this.#ended(error));
  }

  /**
   * Connects, sends the message, and resolves with the response when its first byte has come. With `hesitate` it waits for a
   * moment before it sends: a server that closes the connection at once, for it has too many, is then seen to do so while
   * nothing has gone yet. One that takes longer to refuse is not.
   */
  run(absolute: string, message: Message, hesitate = false): Promise<IpcResponse> {
    this.#watchProgress();
    this.#tell('connecting');
    const send = () => {
      if (this.#over) return;
      this.#doing = 'the request was being sent';
      this.#tell('sending-request');
      this.#progress();
      this.#send(message).catch((error: unknown) => this.fail(error as Error));
    };
    this.#socket.once('connect', () => {
      this.#isConnected = true;
      // What has come by then is read before a setImmediate.
      if (hesitate) setTimeout(() => setImmediate(send), HESITATION);
      else send();
    });
    try {
      withAddress(absolute, (address) => this.#socket.connect({ path: address }));
    } catch (error) {
      this.fail(connectError(error, this.#path));
    }
    return this.#responded.promise;
  }

  /** Whether it may be asked again: nothing was written, and nothing was taken from the caller's message. */
  get repeatable(): boolean {
    return !this.#socket.wroteAny && !this.#sourceAsked;
  }

  /** Calls `listener` when it is over, however it ends: at once where it is over already. `error`: why it failed. */
  whenOver(listener: (error: Error | undefined) => void): void {
    if (this.#over) listener(this.#error);
    else this.#onEnd = listener;
  }

  // ---- The request.

  async #send(message: Message): Promise<void> {
    if (message === undefined) {
      this.#socket.write(this.#end());
    } else if (isWhole(message) && message.length <= ONE_WRITE) {
      this.#sending(Buffer.byteLength(message));
      const whole = encodeMessage(message);
      const end = this.#end();
      this.#socket.write(end === FLUSH ? whole : Buffer.concat([whole.subarray(0, -FLUSH.length), end]));
    } else if (isWhole(message)) {
      const data = bytesOf(message, failure.THE_MESSAGE);
      this.#sending(data.length);
      await this.#outgoing.write(data, 0);
      this.#socket.write(this.#end());
    } else {
      // Nothing is taken from the source for a connection that is dead.
      this.#socket.write(NOTHING);
      if (this.#writeError !== undefined) return;
      await this.#sendChunks(message);
    }
    await this.#outgoing.taken();
    this.#doing = 'its answer was awaited';
    if (!this.#over && this.#decoder.packets === 0) this.#tell('awaiting-response');
    this.#progress();
  }

  /** What ends the request: a flush packet, or a trailer that ends in one. */
  #end(): Buffer {
    const trailer = this.#observer?.trailer();
    return trailer === undefined ? FLUSH : encodeTrailer(trailer);
  }

  #sending(bytes: number): void {
    this.requestBytes += bytes;
    this.requestPackets += packetsOf(bytes);
  }

  #tell(state: CallState): void {
    this.#observer?.state(state, performance.now());
  }

  get responseBytes(): number {
    return this.#decoder.bytes;
  }

  get responsePackets(): number {
    return this.#decoder.packets;
  }

  async #sendChunks(message: Message): Promise<void> {
    this.#sourceAsked = true;
    const iterator = chunksOf(message, failure.THE_MESSAGE);
    this.#source = iterator;
    let ended = false;
    try {
      while (!this.#over && this.#writeError === undefined) {
        this.#awaitingSource = true;
        // As long as it is at work: one that throws needs no return.
        ended = true;
        const result = await iterator.next();
        this.#awaitingSource = false;
        this.#progress();
        if (result.done === true) break;
        ended = false;
        const data = bytesOf(result.value, failure.THE_MESSAGE);
        this.#sending(data.length);
        await this.#outgoing.write(data, 0);
      }
    } finally {
      this.#awaitingSource = false;
      if (!ended) await iterator.return?.();
    }
    if (ended && !this.#over) this.#socket.write(this.#end());
  }

  writeFailed(error: Error): void {
    this.#writeError ??= error;
    this.#outgoing.close();
    // What can be read may still be the whole answer: the end of file, or a reset, comes after it.
  }

  // ---- The response.

  received(chunk: Buffer): boolean {
    if (this.#over) return false;
    this.#progress();
    if (!this.#decoder.started) this.#tell('reading-response');
    const end = this.#decoder.decode(chunk, this.#body);
    this.#body.keep();
    if (end === MALFORMED) {
      this.fail(failure.malformedAnswer(this.#path, this.#decoder.problem as string));
      return false;
    }
    if (end !== MORE) {
      this.#body.complete();
      this.#finish();
      this.#responded.resolve(this.#body);
      return false;
    }
    if (this.#decoder.packets > 0) this.#responded.resolve(this.#body);
    this.#body.deliver();
    this.#paused = this.#body.held > WINDOW;
    return !this.#paused;
  }

  bodyConsumed(): void {
    if (!this.#paused || this.#body.held > WINDOW) return;
    this.#paused = false;
    this.#progress();
    if (!this.#over) this.#socket.resume();
  }

  #ended(error?: Error): void {
    const cause = error ?? this.#writeError;
    if (!this.#isConnected) this.fail(connectError(error, this.#path));
    else if (!this.#socket.wroteAny) {
      this.wasTurnedAway = true;
      this.fail(failure.nothingSent(this.#path, cause));
    } else this.fail(failure.hungUp(this.#path, this.#decoder.bytes, cause));
  }

  // ---- Its end.

  /** Ends it with an error. An answer that is complete stays a success. */
  fail(error: Error): void {
    if (this.#over) return;
    this.#error = error;
    this.#finish();
    this.#body.fail(error);
    this.#responded.reject(error);
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
    this.#outgoing.close();
    // A source that is silent would not see it for itself.
    if (this.#awaitingSource) endIterator(this.#source);
    this.#onEnd?.(this.#error);
  }

  cancel(): void {
    this.fail(this.cancelled());
  }

  cancelled(): Error {
    return failure.cancelled(this.#path);
  }

  // ---- Time.

  #progress(): void {
    this.#lastProgress = monotonicMs();
  }

  /** One timer for the whole exchange: it looks when the last progress was, and comes back when it could be too long ago. */
  #watchProgress(): void {
    if (this.#timeout === 0) return;
    const left = () => this.#lastProgress + this.#timeout - monotonicMs();
    const look = () => {
      // While a reader or a source of the caller's own is slow, the server is not to blame.
      if (this.#paused || this.#awaitingSource) this.#progress();
      if (left() > 0) this.#timer = setTimeout(look, Math.ceil(left()));
      // Nor while this process was busy: what has come meanwhile is read before the answer is given up.
      else setImmediate(lookAgain);
    };
    const lookAgain = () => {
      if (this.#over) return;
      if (left() > 0) this.#timer = setTimeout(look, Math.ceil(left()));
      else this.fail(failure.timedOut(this.#path, this.#timeout, this.#doing));
    };
    this.#timer = setTimeout(look, this.#timeout);
  }
}

class ResponseBody extends IncomingBody implements IpcResponse {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    super(exchange);
    this.#exchange = exchange;
  }

  cancel(): void {
    this.#exchange.cancel();
    this.discard(() => this.#exchange.cancelled());
  }

  override [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array, undefined> {
    const iterator = super[Symbol.asyncIterator]();
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => iterator.next(),
      return: async () => {
        this.cancel();
        return { done: true, value: undefined };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
  }
}
