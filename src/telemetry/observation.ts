import { context, type Context, type SpanContext } from '@opentelemetry/api';
import type { ConnectionOutput, ConnectionState } from '../machines/connection.ts';
import type {
  CallObserver,
  CallState,
  ConnectionObserver,
  ObservedCall,
  ObservedConnection,
  ObservedServer,
} from '../machines/observer.ts';
import type { RequestFacts } from './facts.ts';
import { contextOf } from './trace-context.ts';

/** What becomes of requests that were observed: a span right away, or a record for later. */
export interface Recorder {
  /**
   * A request is about to be handled: its handler runs in the context that this gives. `request.parent` is known by now,
   * if it ever will be.
   */
  begin(request: RequestObservation): Context;
  /** It is over. `begin` was not called where it never came to its handler. */
  end(request: RequestObservation): void;
}

/** Outcomes that are no failure of the server. */
const IN_ORDER: ReadonlySet<string> = new Set(['answered', 'pinged', 'hung-up', 'refused']);

/** A request on its way through a server: what its connection's machine went through, and when. */
export class RequestObservation implements ConnectionObserver, RequestFacts {
  readonly side = 'server';
  /** As many as there are phases; what has not come yet is below zero. */
  readonly times: number[] = [-1.5, -1.5, -1.5, -1.5, -1.5];
  endedAt = 0;
  method: string | undefined;
  outcome = '';
  failure: RequestFacts['failure'];
  /** The client's span, where it told of it in time. */
  parent: SpanContext | undefined;
  /** The client's span, where it told of it when the handler was running already. */
  link: SpanContext | undefined;
  /** The recorder's own, made in `begin`. */
  span: unknown;
  readonly #server: ObservedServer;
  readonly #connection: ObservedConnection;
  readonly #recorder: Recorder;
  #begun = false;

  constructor(server: ObservedServer, connection: ObservedConnection, recorder: Recorder) {
    this.#server = server;
    this.#connection = connection;
    this.#recorder = recorder;
  }

  get path(): string {
    return this.#server.path;
  }

  get transport(): ObservedServer['transport'] {
    return this.#server.transport;
  }

  get connection(): number {
    return this.#connection.number;
  }

  get requestBytes(): number {
    return this.#connection.requestBytes;
  }

  get requestPackets(): number {
    return this.#connection.requestPackets;
  }

  get responseBytes(): number {
    return this.#connection.responseBytes;
  }

  get responsePackets(): number {
    return this.#connection.responsePackets;
  }

  /** What the classifier looks at. */
  head(): Uint8Array {
    return this.#connection.head();
  }

  transition(event: string, to: ConnectionState, at: number, output?: ConnectionOutput): void {
    const { times } = this;
    switch (to) {
      case 'reading-request':
        times[0] = at;
        break;
      case 'dispatching':
        if (event === 'SLOT_AWAITED') times[2] = at;
        else if (event === 'SLOT_GRANTED') times[3] = (times[2] as number) < 0 ? -1.5 : at;
        else if ((times[1] as number) < 0) times[1] = at;
        break;
      case 'streaming-response':
        if ((times[4] as number) < 0) times[4] = at;
        break;
      case 'closed':
        if (output !== undefined) this.#over(output.outcome, output.reason, at);
        break;
      default:
    }
  }

  crashed(error: unknown, at: number): void {
    this.#over('crashed', error, at);
  }

  #over(outcome: string, reason: unknown, at: number): void {
    // Who never said a word has made no request: git probes servers so.
    if ((this.times[0] as number) < 0) return;
    this.endedAt = at;
    this.outcome = outcome;
    if (!IN_ORDER.has(outcome)) this.failure = { type: outcome, message: messageOf(reason) };
    this.#recorder.end(this);
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
}

/** What becomes of calls. */
export interface CallRecorder {
  end(call: CallObservation): void;
}

const CALL_STATES: readonly CallState[] = [
  'connecting',
  'sending-request',
  'awaiting-response',
  'reading-response',
];

/** A call of the client. */
export class CallObservation implements CallObserver, RequestFacts {
  readonly side = 'client';
  readonly times: number[] = [-1.5, -1.5, -1.5, -1.5];
  endedAt = 0;
  method: string | undefined;
  outcome = '';
  failure: RequestFacts['failure'];
  readonly connection = undefined;
  /** The recorder's own. */
  span: unknown;
  /** What is sent behind the request; nothing: nothing. */
  toSend: string | undefined;
  readonly #call: ObservedCall;
  readonly #recorder: CallRecorder;

  constructor(call: ObservedCall, recorder: CallRecorder) {
    this.#call = call;
    this.#recorder = recorder;
    this.times[0] = performance.now();
  }

  get path(): string {
    return this.#call.path;
  }

  get transport(): ObservedCall['transport'] {
    return this.#call.transport;
  }

  get requestBytes(): number {
    return this.#call.requestBytes;
  }

  get requestPackets(): number {
    return this.#call.requestPackets;
  }

  get responseBytes(): number {
    return this.#call.responseBytes;
  }

  get responsePackets(): number {
    return this.#call.responsePackets;
  }

  head(): Uint8Array {
    return this.#call.head();
  }

  trailer(): string | undefined {
    return this.toSend;
  }

  state(state: CallState, at: number): void {
    const phase = CALL_STATES.indexOf(state);
    // The start stays the start: connecting again, after a busy server, is part of it.
    if (phase > 0) this.times[phase] = at;
  }

  ended(at: number, error?: Error): void {
    this.endedAt = at;
    this.outcome = error === undefined ? 'answered' : typeOf(error);
    if (error !== undefined) this.failure = { type: this.outcome, message: error.message };
    this.#recorder.end(this);
  }
}

function typeOf(error: Error): string {
  const { code } = error as Error & { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}

function messageOf(reason: unknown): string {
  if (reason === undefined) return 'no reason is known';
  return reason instanceof Error ? reason.message : String(reason);
}
