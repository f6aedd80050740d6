import type { ConnectionOutput, ConnectionState } from '../machines/connection.ts';
import type {
  CallState,
  ObservedCall,
  ObservedConnection,
  ObservedServer,
  Sizes,
} from '../machines/observer.ts';
import { IN_ORDER, PHASES, type RequestFacts } from './facts.ts';
import { messageOf } from './problems.ts';
import { MAX_MESSAGE, thrownBehind, type Thrown } from './thrown.ts';

/** What is known of a request or a call, and of where it goes. */
abstract class Followed {
  endedAt = 0;
  method: string | undefined;
  outcome = '';
  failure: RequestFacts['failure'];
  readonly #place: Pick<RequestFacts, 'path' | 'transport'>;
  readonly #message: Pick<ObservedCall, 'head' | keyof Sizes>;

  constructor(
    place: Pick<RequestFacts, 'path' | 'transport'>,
    message: Pick<ObservedCall, 'head' | keyof Sizes>,
  ) {
    this.#place = place;
    this.#message = message;
  }

  get path(): string {
    return this.#place.path;
  }

  get transport(): RequestFacts['transport'] {
    return this.#place.transport;
  }

  get requestBytes(): number {
    return this.#message.requestBytes;
  }

  get requestPackets(): number {
    return this.#message.requestPackets;
  }

  get responseBytes(): number {
    return this.#message.responseBytes;
  }

  get responsePackets(): number {
    return this.#message.responsePackets;
  }

  /** What the classifier looks at. */
  head(): Uint8Array {
    return this.#message.head();
  }
}

/** A request on its way through a server: what its connection's machine went through, and when. */
export abstract class FollowedRequest extends Followed implements RequestFacts {
  readonly side = 'server';
  /** What its handler has thrown, where that is an error. */
  thrown: Thrown | undefined;
  /** As many as there are phases; what has not come yet is below zero. */
  readonly times: number[] = [-1, -1, -1, -1, -1];
  readonly #connection: ObservedConnection;

  constructor(server: ObservedServer, connection: ObservedConnection) {
    super(server, connection);
    this.#connection = connection;
  }

  /** It is over, and all is known. */
  protected abstract over(reason: unknown): void;

  /** It begins to wait for a slot. */
  protected waits(): void {}

  get connection(): number {
    return this.#connection.number;
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
    if (!IN_ORDER.has(outcome))
      this.failure = {
        type: outcome,
        message: reason === undefined ? 'no reason is known' : messageOf(reason).slice(0, MAX_MESSAGE),
      };
    if (outcome === 'handler-failed') this.thrown = thrownBehind(reason);
    this.over(reason);
  }
}

/** A call of the client: what it did, and when. */
export abstract class FollowedCall extends Followed implements RequestFacts {
  readonly side = 'client';
  readonly times: number[] = [-1, -1, -1, -1];
  readonly connection = undefined;
  readonly thrown = undefined;

  constructor(call: ObservedCall) {
    super(call, call);
    this.times[0] = performance.now();
  }

  /** It is over, and all is known. */
  protected abstract over(error: Error | undefined): void;

  state(state: CallState, at: number): void {
    const phase = PHASES.client.indexOf(state);
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
