import { context, type Context, type SpanContext } from '@opentelemetry/api';
import type {
  CallObserver,
  ConnectionObserver,
  ObservedCall,
  ObservedConnection,
  ObservedServer,
} from '../machines/observer.ts';
import { FollowedCall, FollowedRequest } from './follow.ts';
import { contextOf } from './trace-context.ts';

/** What becomes of requests that were observed: a span right away, or a record for later. */
export interface Recorder {
  /** A request begins to wait for a slot. */
  waits(request: RequestObservation): void;
  /**
   * A request is about to be handled: its handler runs in the context that this gives. `request.parent` is known by now,
   * if it ever will be.
   */
  begin(request: RequestObservation): Context;
  /** It is over. `begin` was not called where it never came to its handler. */
  end(request: RequestObservation): void;
}

/** A request that is recorded. */
export class RequestObservation extends FollowedRequest implements ConnectionObserver {
  /** The client's span, where it told of it in time. */
  parent: SpanContext | undefined;
  /** The client's span, where it told of it when the handler was running already. */
  link: SpanContext | undefined;
  /** The recorder's own, made in `begin`. */
  span: unknown;
  /** What makes its times times since the epoch, where its span has begun: the same to its end. */
  origin: number | undefined;
  readonly #recorder: Recorder;
  #begun = false;

  constructor(server: ObservedServer, connection: ObservedConnection, recorder: Recorder) {
    super(server, connection);
    this.#recorder = recorder;
  }

  protected override waits(): void {
    // What it asks for is gone when it ends while it waits.
    this.#recorder.waits(this);
  }

  trailer(data: string): void {
    const client = contextOf(data);
    if (client === undefined) return;
    if (this.#begun) this.link = client;
    else this.parent = client;
  }

  handle<Args extends unknown[], Result>(run: (...args: Args) => Result, ...args: Args): Result {
    this.#begun = true;
    return context.with(this.#recorder.begin(this), run, undefined, ...args);
  }

  protected over(): void {
    this.#recorder.end(this);
  }
}

/** What becomes of calls. */
export interface CallRecorder {
  end(call: CallObservation): void;
}

/** A call that is recorded. */
export class CallObservation extends FollowedCall implements CallObserver {
  /** The recorder's own. */
  span: unknown;
  /** What makes its times times since the epoch, where its span has begun: the same to its end. */
  origin: number | undefined;
  /** What is sent behind the request; nothing: nothing. */
  toSend: string | undefined;
  readonly #recorder: CallRecorder;

  constructor(call: ObservedCall, recorder: CallRecorder) {
    super(call);
    this.#recorder = recorder;
  }

  trailer(): string | undefined {
    return this.toSend;
  }

  protected over(): void {
    this.#recorder.end(this);
  }
}
