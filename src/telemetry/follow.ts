import type { ConnectionOutput, ConnectionState } from '../machines/connection.ts';
import type { CallState, ObservedCall, ObservedConnection, ObservedServer } from '../machines/observer.ts';
import type { RequestFacts } from './facts.ts';

/** Outcomes that are no failure of the server. */
const IN_ORDER: ReadonlySet<string> = new Set(['answered', 'pinged', 'hung-up', 'refused']);

/** A request on its way through a server: what its connection's machine went through, and when. */
export abstract class FollowedRequest implements RequestFacts {
  readonly side = 'server';
  /** As many as there are phases; what has not come yet is below zero. */
  readonly times: number[] = [-1, -1, -1, -1, -1];
  endedAt = 0;
  method: string | undefined;
  outcome = '';
  failure: RequestFacts['failure'];
  readonly #server: ObservedServer;
  readonly #connection: ObservedConnection;

  constructor(server: ObservedServer, connection: ObservedConnection) {
    this.#server = server;
    this.#connection = connection;
  }

  /** It is over, and all is known. */
  protected abstract over(reason: unknown): void;

  /** It begins to wait for a slot. */
  protected waits(): void {}

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
        if ((times[0] as number) < 0) times[0] = at;
        break;
      case 'dispatching':
        if (event === 'SLOT_AWAITED') {
          times[2] = at;
          this.waits();
        } else if (event === 'SLOT_GRANTED') times[3] = (times[2] as number) < 0 ? -1 : at;
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
    this.over(reason);
  }
}

const CALL_STATES: readonly CallState[] = [
  'connecting',
  'sending-request',
  'awaiting-response',
  'reading-response',
];

/** A call of the client: what it did, and when. */
export abstract class FollowedCall implements RequestFacts {
  readonly side = 'client';
  readonly times: number[] = [-1, -1, -1, -1];
  endedAt = 0;
  method: string | undefined;
  outcome = '';
  failure: RequestFacts['failure'];
  readonly connection = undefined;
  readonly #call: ObservedCall;

  constructor(call: ObservedCall) {
    this.#call = call;
    this.times[0] = performance.now();
  }

  /** It is over, and all is known. */
  protected abstract over(error: Error | undefined): void;

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

  state(state: CallState, at: number): void {
    const phase = CALL_STATES.indexOf(state);
    // The start stays the start: connecting again, after a busy server, is part of it.
    if (phase > 0) this.times[phase] = at;
  }

  ended(at: number, error?: Error): void {
    this.endedAt = at;
    this.outcome = error === undefined ? 'answered' : typeOf(error);
    if (error !== undefined) this.failure = { type: this.outcome, message: error.message };
    this.over(error);
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
