import { AsyncLocalStorage } from 'node:async_hooks';
import { bytesOf, chunksOf, endIterator, isWhole, type ChunkIterator } from './chunks.ts';
import { QUIT } from './quit.ts';
import * as failure from './server-errors.ts';
import type { Answer, Chunk, Handler, IpcRequest, RequestContext } from './types.ts';

/** Whom a handler's run answers to. Of the last two, exactly one is called, once. */
export interface HandlerOwner {
  readonly name: string;
  /** Whether the request came in pkt-lines. If not, every answer is sent by `sendChunk`. */
  readonly framed: boolean;
  /** Nobody waits for the answer any more. */
  readonly closed: boolean;
  /** Sends one piece of the answer; a promise says when the next may follow. Throws where it may not be sent. */
  sendChunk(data: Buffer): Promise<void> | undefined;
  /** The handler has ended. `rest`: its answer, where it was given whole. */
  handlerDone(rest: Chunk | undefined, quits: boolean): void;
  handlerFailed(error: unknown): void;
}

/** One run of a handler: calls it, and sends what it answers, piece by piece, to its end. */
export class HandlerRun {
  readonly #owner: HandlerOwner;
  readonly #context: HandlerContext;
  #iterator: ChunkIterator | undefined;
  /** The asynchronous context of the handler, where its answer comes in pieces. */
  #inContext: ((run: () => void) => void) | undefined;
  started = false;
  /** It is the iterator's turn. Otherwise #stream ends it. */
  #awaiting = false;

  constructor(owner: HandlerOwner) {
    this.#owner = owner;
    this.#context = new HandlerContext(owner);
  }

  start(handler: Handler, request: IpcRequest): void {
    this.started = true;
    let answer: Answer | Promise<Answer>;
    try {
      answer = handler(request, this.#context);
    } catch (error) {
      this.#owner.handlerFailed(error);
      return;
    }
    if (isPromise(answer)) {
      answer.then(
        (value) => this.#answer(value),
        (error: unknown) => this.#owner.handlerFailed(error),
      );
    } else {
      this.#answer(answer);
    }
  }

  #answer(answer: Answer): void {
    if (answer === undefined || answer === QUIT) this.#owner.handlerDone(undefined, answer === QUIT);
    else if (!isWhole(answer)) void this.#stream(answer);
    else if (this.#owner.framed) this.#owner.handlerDone(answer, false);
    else void this.#stream([answer]);
  }

  /** Sends an answer in pieces, each as it comes. Never rejects. */
  async #stream(answer: Exclude<Answer, void | Chunk | typeof QUIT>): Promise<void> {
    try {
      const iterator = chunksOf(answer, failure.THE_ANSWER);
      this.#iterator = iterator;
      this.#inContext = AsyncLocalStorage.snapshot();
      while (!this.#owner.closed) {
        const result = iterator.next();
        this.#awaiting = isPromise(result);
        const { done, value } = isPromise(result) ? await result : result;
        this.#awaiting = false;
        if (done === true) {
          if (value !== undefined && value !== QUIT) throw failure.returnedFromGenerator();
          this.#owner.handlerDone(undefined, value === QUIT);
          return;
        }
        let taken: Promise<void> | undefined;
        try {
          taken = this.#owner.sendChunk(bytesOf(value, failure.THE_ANSWER));
        } catch (error) {
          await iterator.return?.();
          throw error;
        }
        if (taken !== undefined) await taken;
      }
      await iterator.return?.();
      this.#owner.handlerDone(undefined, false);
    } catch (error) {
      this.#owner.handlerFailed(error);
    }
  }

  /** Nobody waits for the answer any more. A generator that is at work ends when it is next at a `yield`. */
  abort(reason: Error): void {
    this.#context.abort(reason);
    if (this.#awaiting) this.#inContext?.(() => endIterator(this.#iterator));
  }
}

/** What a handler is told beside the request. Its signal is made when it is asked for: most handlers never do. */
class HandlerContext implements RequestContext {
  readonly #owner: HandlerOwner;
  #controller: AbortController | undefined;
  /** Where the signal was asked for: who listens to it is called there. */
  #inContext: ((run: () => void) => void) | undefined;
  #reason: Error | undefined;

  constructor(owner: HandlerOwner) {
    this.#owner = owner;
  }

  get connection(): string {
    return this.#owner.name;
  }

  get framed(): boolean {
    return this.#owner.framed;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#inContext = AsyncLocalStorage.snapshot();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#reason = reason;
    this.#inContext?.(() => this.#controller?.abort(reason));
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === 'function';
}
