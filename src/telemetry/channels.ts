import { tracingChannel } from 'node:diagnostics_channel';
import type { RequestFacts } from './facts.ts';

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

export const requests = tracingChannel<unknown, ChannelMessage>(REQUEST_CHANNEL);
export const calls = tracingChannel<unknown, ChannelMessage>(CALL_CHANNEL);
