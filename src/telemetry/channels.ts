import { tracingChannel } from 'node:diagnostics_channel';
import type { CallObserver, ConnectionObserver, ObservedCall, Telemetry } from '../machines/observer.ts';
import type { RequestFacts } from './facts.ts';
import { FollowedCall, FollowedRequest } from './follow.ts';

/**
 * What is published on `tracing:simple-ipc:request:*` and `tracing:simple-ipc:call:*`: one object for each request or
 * call, whose fields become known as it goes on. All of them are, when `asyncEnd` is published.
 */
export interface ChannelMessage extends Omit<RequestFacts, 'method'> {
  /** Why it failed: with `error` and `asyncEnd`. */
  readonly error?: unknown;
}

/**
 * Requests of a server. `start`: the handler is about to run, and runs inside `start.runStores`. `end`: it has returned, and
 * goes on where it is asynchronous. `asyncEnd`: the request is over, `error` before that where it failed. One that never
 * comes to its handler has neither `start` nor `end`.
 */
export const REQUEST_CHANNEL = 'simple-ipc:request';

/** Calls of the client. `start`: it begins. `asyncEnd`: it is over, `error` before that where it failed. */
export const CALL_CHANNEL = 'simple-ipc:call';

const requests = tracingChannel<unknown, ChannelMessage>(REQUEST_CHANNEL);
const calls = tracingChannel<unknown, ChannelMessage>(CALL_CHANNEL);

/** Publishes requests and calls on `node:diagnostics_channel`, as long as somebody listens when they begin. */
export const channelTelemetry: Telemetry = {
  server: (server) => ({
    connection: (connection) =>
      requests.hasSubscribers ? new PublishedRequest(server, connection) : undefined,
  }),
  call: (call) => (calls.hasSubscribers ? new PublishedCall(call) : undefined),
};

class PublishedRequest extends FollowedRequest implements ConnectionObserver, ChannelMessage {
  error?: unknown;

  handle<Args extends unknown[], Result>(run: (...args: Args) => Result, ...args: Args): Result {
    const result = requests.start.runStores(this, run, undefined, ...args);
    requests.end.publish(this);
    return result as Result;
  }

  trailer(): void {}

  protected over(reason: unknown): void {
    if (this.failure !== undefined) {
      this.error = reason;
      requests.error.publish(this as never);
    }
    requests.asyncEnd.publish(this as never);
  }
}

class PublishedCall extends FollowedCall implements CallObserver, ChannelMessage {
  error?: unknown;

  constructor(call: ObservedCall) {
    super(call);
    calls.start.publish(this);
  }

  trailer(): undefined {}

  protected over(error: Error | undefined): void {
    if (error !== undefined) {
      this.error = error;
      calls.error.publish(this as never);
    }
    calls.asyncEnd.publish(this as never);
  }
}
