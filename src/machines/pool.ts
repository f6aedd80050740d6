import { assign, setup, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import type { ConnectionOutput } from './connection.ts';

/** How a server ended. */
export type EndReason = 'closed' | 'quit' | 'idle' | 'handed-over' | 'path-lost' | 'failed';

/** The effects that the machine asks for. The runtime carries them out; their results come back as events. */
export interface PoolEffects {
  /** Makes the accepted connection an actor, a child of the pool; `hurried`: and tells it that the server drains. */
  supervise(connection: unknown, hurried: boolean): void;
  /** Closes a connection that is one too many: `ACCEPT_FAILED`. */
  refuse(connection: unknown): void;
  /** A connection crashed: closes its socket, counts it; `CRASHED_TOO_OFTEN` where that happens too often. */
  reportCrash(actor: string, error: unknown): void;
  /** Counts a connection that was turned away. */
  reportAcceptError(limit: 'maxConnections' | 'descriptors' | undefined): void;
  /** Gives up the path, accepts what the backlog holds, closes the listener: `LISTENER_CLOSED`. */
  beginDrain(): void;
  /** Tells every connection that the server drains. */
  hurryConnections(): void;
  /** Starts, or shortens, the time that is left to running requests: `DEADLINE`. `patient`: nobody waits for the end. */
  setDeadline(patient: boolean): void;
  /** Aborts every connection. */
  abortConnections(): void;
  /** Aborts every connection, gives up the path, closes the listener: the server has failed. */
  abandon(): void;
  /** The runtime has sent an event that cannot happen in this state. Must throw: the pool crashes. */
  unexpected(event: string): never;
}

export interface PoolInput {
  readonly effects: PoolEffects;
  readonly maxConnections: number;
}

export interface PoolContext extends PoolInput {
  /** Connections open. */
  readonly open: number;
  /** The listener is open, so connections may still come. */
  readonly listening: boolean;
  readonly reason: EndReason | undefined;
  readonly error: Error | undefined;
}

export type PoolEvent =
  /** The server listens, and its socket stands at the path. */
  | { readonly type: 'PUBLISHED' }
  | { readonly type: 'START_FAILED'; readonly reason: Error }
  | { readonly type: 'CONNECTION'; readonly connection: unknown }
  /** A connection was turned away: by a limit, or because the system could not hand it over. */
  | {
      readonly type: 'ACCEPT_FAILED';
      readonly reason: Error;
      readonly limit?: 'maxConnections' | 'descriptors';
    }
  /** A handler returned `QUIT`. */
  | { readonly type: 'QUIT' }
  | { readonly type: 'DRAIN' }
  /** No connection was open for `idleTimeout`. */
  | { readonly type: 'IDLE' }
  /** Another server has taken the path, and says so. */
  | { readonly type: 'HANDOVER' }
  /** The socket at the path is not this server's any more. */
  | { readonly type: 'PATH_LOST'; readonly reason: Error }
  /** The backlog is served, and the listener is closed. */
  | { readonly type: 'LISTENER_CLOSED' }
  | { readonly type: 'LISTENER_FAILED'; readonly reason: Error }
  | { readonly type: 'CRASHED_TOO_OFTEN'; readonly reason: Error }
  /** The time left to running requests is over. */
  | { readonly type: 'DEADLINE' }
  | DoneActorEvent<ConnectionOutput, string>
  | ErrorActorEvent<unknown, string>;

export interface PoolOutput {
  readonly reason: EndReason;
  readonly error: Error | undefined;
}

/** Nobody waits for the end of a server that ends so: who has come and not spoken yet keeps the read time-out. */
const isUnhurried = (reason: EndReason | undefined) => reason === 'handed-over' || reason === 'idle';

const ignored = {};
const impossible = { actions: 'unexpected' } as const;

const drain = (reason: EndReason) =>
  ({
    target: 'draining',
    actions: [
      { type: 'end', params: { reason } },
      'hurryConnections',
      { type: 'setDeadline', params: { patient: false } },
    ],
  }) as const;
const drainUnhurried = (reason: 'idle' | 'handed-over') =>
  ({
    target: 'draining',
    actions: [
      { type: 'end', params: { reason } },
      { type: 'setDeadline', params: { patient: true } },
    ],
  }) as const;
const fail = { target: 'failed', actions: { type: 'end', params: { reason: 'failed' } } } as const;

/** The life of a server. Its actor is the parent of every connection's, and supervises them. */
export const poolMachine = setup({
  types: {
    context: {} as PoolContext,
    events: {} as PoolEvent,
    input: {} as PoolInput,
    output: {} as PoolOutput,
  },
  actions: {
    countIn: assign({ open: ({ context }) => context.open + 1 }),
    countOut: assign({ open: ({ context }) => context.open - 1 }),
    supervise: ({ context, event }, params: { draining: boolean }) => {
      if (event.type === 'CONNECTION')
        context.effects.supervise(event.connection, params.draining && !isUnhurried(context.reason));
    },
    refuse: ({ context, event }) => {
      if (event.type === 'CONNECTION') context.effects.refuse(event.connection);
    },
    reportCrash: ({ context, event }) => {
      const { actorId, error } = event as ErrorActorEvent;
      context.effects.reportCrash(actorId, error);
    },
    reportAcceptError: ({ context, event }) => {
      if (event.type === 'ACCEPT_FAILED') context.effects.reportAcceptError(event.limit);
    },
    beginDrain: ({ context }) => context.effects.beginDrain(),
    hurryConnections: ({ context }) => context.effects.hurryConnections(),
    setDeadline: ({ context }, params: { patient: boolean }) => context.effects.setDeadline(params.patient),
    abortConnections: ({ context }) => context.effects.abortConnections(),
    abandon: ({ context }) => context.effects.abandon(),
    unexpected: ({ context, event }) => context.effects.unexpected(event.type),
    markClosed: assign({ listening: false }),
    end: assign({
      reason: (_, params: { reason: EndReason }) => params.reason,
      error: ({ event }) => ('reason' in event ? event.reason : undefined),
    }),
  },
  guards: {
    hasRoom: ({ context }) => context.open < context.maxConnections,
    isLast: ({ context }) => context.open === 1 && !context.listening,
    isEmpty: ({ context }) => context.open === 0,
  },
}).createMachine({
  id: 'pool',
  context: ({ input }) => ({ ...input, open: 0, listening: true, reason: undefined, error: undefined }),
  output: ({ context }) => ({ reason: context.reason as EndReason, error: context.error }),
  initial: 'starting',
  states: {
    starting: {
      description: 'Takes the path. Connections that come before it is done wait outside.',
      on: {
        PUBLISHED: 'accepting',
        START_FAILED: fail,
        LISTENER_FAILED: fail,
        ACCEPT_FAILED: { actions: 'reportAcceptError' },
        CONNECTION: impossible,
        QUIT: impossible,
        DRAIN: impossible,
        IDLE: impossible,
        HANDOVER: impossible,
        PATH_LOST: impossible,
        LISTENER_CLOSED: impossible,
        CRASHED_TOO_OFTEN: impossible,
        DEADLINE: impossible,
        'xstate.done.actor.*': impossible,
        'xstate.error.actor.*': impossible,
      },
    },
    accepting: {
      description: 'Serves. Each connection is an actor.',
      on: {
        CONNECTION: [
          { guard: 'hasRoom', actions: ['countIn', { type: 'supervise', params: { draining: false } }] },
          { actions: 'refuse' },
        ],
        'xstate.done.actor.*': { actions: 'countOut' },
        'xstate.error.actor.*': { actions: ['countOut', 'reportCrash'] },
        QUIT: drain('quit'),
        DRAIN: drain('closed'),
        IDLE: [{ guard: 'isEmpty', ...drainUnhurried('idle') }, ignored],
        HANDOVER: drainUnhurried('handed-over'),
        PATH_LOST: drain('path-lost'),
        CRASHED_TOO_OFTEN: fail,
        LISTENER_FAILED: fail,
        ACCEPT_FAILED: { actions: 'reportAcceptError' },
        PUBLISHED: impossible,
        START_FAILED: impossible,
        LISTENER_CLOSED: impossible,
        DEADLINE: impossible,
      },
    },
    draining: {
      description:
        'Gives up the path, serves what the backlog holds, lets running requests finish, up to a deadline.',
      entry: 'beginDrain',
      on: {
        CONNECTION: [
          { guard: 'hasRoom', actions: ['countIn', { type: 'supervise', params: { draining: true } }] },
          { actions: 'refuse' },
        ],
        'xstate.done.actor.*': [
          { guard: 'isLast', target: 'stopped', actions: 'countOut' },
          { actions: 'countOut' },
        ],
        'xstate.error.actor.*': [
          { guard: 'isLast', target: 'stopped', actions: ['countOut', 'reportCrash'] },
          { actions: ['countOut', 'reportCrash'] },
        ],
        LISTENER_CLOSED: [
          { guard: 'isEmpty', target: 'stopped', actions: 'markClosed' },
          { actions: 'markClosed' },
        ],
        DEADLINE: { actions: 'abortConnections' },
        DRAIN: { actions: ['hurryConnections', { type: 'setDeadline', params: { patient: false } }] },
        QUIT: ignored,
        IDLE: ignored,
        HANDOVER: ignored,
        PATH_LOST: ignored,
        // It is ending anyway, and every connection that is left ends by itself or by the deadline.
        CRASHED_TOO_OFTEN: ignored,
        ACCEPT_FAILED: { actions: 'reportAcceptError' },
        LISTENER_FAILED: fail,
        PUBLISHED: impossible,
        START_FAILED: impossible,
      },
    },
    stopped: { description: 'Over: drained.', type: 'final' },
    failed: {
      description: 'Over: it could not start, or could not go on. Its output has the cause.',
      type: 'final',
      entry: 'abandon',
    },
  },
});

export type PoolState = 'starting' | 'accepting' | 'draining' | 'stopped' | 'failed';
