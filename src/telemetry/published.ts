import type { CallObserver, ConnectionObserver, ObservedCall, Telemetry } from '../machines/observer.ts';
import { calls, type ChannelMessage, requests } from './channels.ts';
import { FollowedCall, FollowedRequest } from './follow.ts';

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
