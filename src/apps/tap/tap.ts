import { request, type Handler, type Telemetry } from '../../index.ts';
import { HEAD_BYTES, methodOf } from './method.ts';
import { passOn } from './pass-on.ts';

/** A request that goes through a tap, as far as it has got: it changes until the request is over. */
export interface TappedRequest {
  /** The connection's name in transitions. */
  readonly connection: string;
  /** What `methodOf` says of it; `_OTHER` until its first bytes have come. */
  readonly method: string;
  /** Bytes that have gone to the upstream, and that have come from it. Packets and their headers do not count. */
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export interface TapOptions {
  /** Taps a socket even if somebody else could have put it there: see `request`. Default false. */
  readonly allowUntrusted?: boolean | undefined;
  /** Watches the calls to the upstream. Default none. */
  readonly telemetry?: Telemetry | undefined;
  /** Is told of each request when it begins to go through. It must not throw: that fails the request. */
  readonly onRequest?: (request: TappedRequest) => void;
}

/**
 * A handler that has the server at `upstream` answer: each request goes there as it comes, over a connection of its own,
 * and the answer goes back as it comes, the two at once where they overlap. No byte of either is changed. They are packed
 * anew, so that packets may begin and end elsewhere; the message ends where it did. What a client sends behind its request
 * stays behind.
 *
 * A client that hangs up is hung up on the upstream. An upstream that fails, hangs up or is not there fails the request:
 * its client is hung up, without a flush packet, and sees an error as it would without the tap.
 *
 * How long to wait for an answer is the client's to decide, for only it knows what it has asked for: the tap gives up when
 * it does. A client that neither sends nor reads is the server's to end, by its time-outs. Only where the upstream is busy
 * does the tap wait in its client's place, as long as git's clients do: these would have been told before they had sent
 * anything, and now they cannot be.
 */
export function tapHandler(
  upstream: string,
  { allowUntrusted = false, telemetry, onRequest }: TapOptions = {},
): Handler {
  return async (incoming, { signal, connection }) => {
    const passage = new Passage(connection);
    onRequest?.(passage);
    const message = await passOn(incoming, (piece) => passage.asks(piece));
    const response = await request(upstream, message, {
      signal,
      timeout: 0,
      waitIfBusy: true,
      allowUntrusted,
      ...(telemetry === undefined ? undefined : { telemetry }),
    });
    return passOn(response, (piece) => passage.isAnswered(piece));
  };
}

/** Counts what goes through, and keeps no more of it than names its method. */
class Passage implements TappedRequest {
  readonly connection: string;
  requestBytes = 0;
  responseBytes = 0;
  #head: Uint8Array = new Uint8Array(0);

  constructor(connection: string) {
    this.connection = connection;
  }

  get method(): string {
    return methodOf(this.#head);
  }

  asks(piece: Uint8Array): void {
    this.requestBytes += piece.length;
    const missing = HEAD_BYTES - this.#head.length;
    if (missing > 0) this.#head = Buffer.concat([this.#head, piece.subarray(0, missing)]);
  }

  isAnswered(piece: Uint8Array): void {
    this.responseBytes += piece.length;
  }
}
