import { assign, setup } from 'xstate';

/** How a connection ended. */
export type Outcome =
  /** The whole answer and its flush packet were handed to the kernel. */
  | 'answered'
  /** The client connected, said nothing and left: how git probes whether a server lives. */
  | 'pinged'
  /** The client left before its answer was complete. */
  | 'hung-up'
  /** The client sent something that is no pkt-line. */
  | 'protocol-error'
  /** The request was longer than a limit allows. */
  | 'limit'
  /** Nothing moved for longer than a time-out. */
  | 'timed-out'
  /** The handler threw, or its answer did. */
  | 'handler-failed'
  /** The server ended it: the drain deadline passed, or the server failed. */
  | 'aborted'
  /** The server was stopping, and the client had not spoken in the time left to it. */
  | 'refused';

/** The effects that the machine asks for. The runtime carries them out; their results come back as events. */
export interface ConnectionEffects {
  /** Waits for a free slot: `SLOT_AWAITED` where there is none at once, then `SLOT_GRANTED`. */
  awaitSlot(): void;
  /** Runs the handler: `ANSWER_STARTED` with its first chunk, then `HANDLER_DONE` or `HANDLER_FAILED`. */
  runHandler(): void;
  /** Sends what is left of the answer, and the flush packet: `ANSWER_FLUSHED` when the kernel has taken all. */
  finishAnswer(): void;
  /** Finds out whether the end of file was a half-close or a hang-up: `HUNG_UP` where it was one. */
  watchForHangUp(): void;
  /** Leaves a client that has not spoken a little time to do so: `GRACE_OVER`. */
  startGrace(): void;
  /** Closes the socket at once, and with it ends whatever still runs. Nothing is written any more. */
  close(outcome: Outcome, reason: Error | undefined): void;
  /** The runtime has sent an event that cannot happen in this state. Must throw: the connection crashes. */
  unexpected(event: string): never;
}

export interface ConnectionContext {
  readonly effects: ConnectionEffects;
  /** The request's end was read. Not so for a long request that is handed over before it is complete. */
  readonly requestComplete: boolean;
  /** The flush packet is with the kernel; what remains is to read the request to its end. */
  readonly answerFlushed: boolean;
  readonly outcome: Outcome | undefined;
  readonly reason: Error | undefined;
}

export type ConnectionEvent =
  /** The first bytes came. */
  | { readonly type: 'BYTES' }
  /** The end of the request was read. */
  | { readonly type: 'REQUEST_COMPLETE' }
  /** The request is longer than is held for it: `limit` is the window, or the budget of all connections. */
  | { readonly type: 'REQUEST_OUTGREW'; readonly limit: 'window' | 'maxBufferedBytes' }
  /** All slots are taken. */
  | { readonly type: 'SLOT_AWAITED' }
  | { readonly type: 'SLOT_GRANTED' }
  | { readonly type: 'ANSWER_STARTED' }
  | { readonly type: 'HANDLER_DONE' }
  | { readonly type: 'HANDLER_FAILED'; readonly reason: Error }
  | { readonly type: 'ANSWER_FLUSHED' }
  /** End of file: the client sends no more, or is gone. */
  | { readonly type: 'HALF_CLOSED' }
  /** The client is gone. */
  | { readonly type: 'HUNG_UP'; readonly reason: Error }
  | { readonly type: 'PROTOCOL_ERROR'; readonly reason: Error }
  | { readonly type: 'LIMIT_EXCEEDED'; readonly reason: Error }
  | { readonly type: 'TIMED_OUT'; readonly reason: Error }
  /** The server is stopping. */
  | { readonly type: 'DRAIN' }
  | { readonly type: 'GRACE_OVER'; readonly reason: Error }
  /** The server ends it. */
  | { readonly type: 'ABORTED'; readonly reason: Error };

export interface ConnectionOutput {
  readonly outcome: Outcome;
  /** Why, for outcomes that are failures. */
  readonly reason: Error | undefined;
}

const end = (outcome: Outcome) =>
  ({ target: 'closed', actions: { type: 'end', params: { outcome } } }) as const;

/** This event may come in this state, and there is nothing to do about it. */
const ignored = {};

/** This event cannot come in this state: if it does, the runtime is wrong, and the connection crashes. */
const impossible = { actions: 'unexpected' } as const;

/** What ends a connection in the same way wherever it is. */
const endings = {
  HUNG_UP: end('hung-up'),
  PROTOCOL_ERROR: end('protocol-error'),
  LIMIT_EXCEEDED: end('limit'),
  TIMED_OUT: end('timed-out'),
  ABORTED: end('aborted'),
} as const;

/**
 * What one connection may do. Each state answers each event on purpose. A connection that fails is closed without a flush
 * packet: to the client a bare flush is an empty answer, and an empty answer is believed.
 */
export const connectionMachine = setup({
  types: {
    context: {} as ConnectionContext,
    events: {} as ConnectionEvent,
    input: {} as ConnectionEffects,
    output: {} as ConnectionOutput,
  },
  actions: {
    awaitSlot: ({ context }) => context.effects.awaitSlot(),
    runHandler: ({ context }) => context.effects.runHandler(),
    finishAnswer: ({ context }) => context.effects.finishAnswer(),
    watchForHangUp: ({ context }) => context.effects.watchForHangUp(),
    startGrace: ({ context }) => context.effects.startGrace(),
    close: ({ context }) => context.effects.close(context.outcome as Outcome, context.reason),
    unexpected: ({ context, event }) => context.effects.unexpected(event.type),
    markComplete: assign({ requestComplete: true }),
    markFlushed: assign({ answerFlushed: true }),
    end: assign({
      outcome: (_, params: { outcome: Outcome }) => params.outcome,
      reason: ({ event }) => ('reason' in event ? event.reason : undefined),
    }),
  },
  guards: {
    requestIsComplete: ({ context }) => context.requestComplete,
    answerIsFlushed: ({ context }) => context.answerFlushed,
  },
}).createMachine({
  id: 'connection',
  context: ({ input }) => ({
    effects: input,
    requestComplete: false,
    answerFlushed: false,
    outcome: undefined,
    reason: undefined,
  }),
  output: ({ context }) => ({ outcome: context.outcome as Outcome, reason: context.reason }),
  initial: 'listening',
  states: {
    listening: {
      description: 'Accepted; the client has sent nothing yet.',
      on: {
        ...endings,
        BYTES: 'reading-request',
        HALF_CLOSED: end('pinged'),
        HUNG_UP: end('pinged'),
        DRAIN: { actions: 'startGrace' },
        GRACE_OVER: end('refused'),
        REQUEST_COMPLETE: impossible,
        REQUEST_OUTGREW: impossible,
        SLOT_AWAITED: impossible,
        SLOT_GRANTED: impossible,
        ANSWER_STARTED: impossible,
        HANDLER_DONE: impossible,
        HANDLER_FAILED: impossible,
        ANSWER_FLUSHED: impossible,
      },
    },
    'reading-request': {
      description: 'From the first byte until the request is complete, or has outgrown what is held for it.',
      on: {
        ...endings,
        REQUEST_COMPLETE: { target: 'dispatching', actions: 'markComplete' },
        REQUEST_OUTGREW: 'dispatching',
        // Nothing more will come of a request that is not complete.
        HALF_CLOSED: end('hung-up'),
        // It has spoken, so it is served; the drain deadline aborts it where it does not go on.
        DRAIN: ignored,
        GRACE_OVER: ignored,
        BYTES: impossible,
        SLOT_AWAITED: impossible,
        SLOT_GRANTED: impossible,
        ANSWER_STARTED: impossible,
        HANDLER_DONE: impossible,
        HANDLER_FAILED: impossible,
        ANSWER_FLUSHED: impossible,
      },
    },
    dispatching: {
      description:
        'Taken over: it waits for a free slot, then its handler runs and has answered nothing yet.',
      entry: 'awaitSlot',
      on: {
        ...endings,
        SLOT_AWAITED: ignored,
        SLOT_GRANTED: { actions: 'runHandler' },
        REQUEST_COMPLETE: { actions: 'markComplete' },
        ANSWER_STARTED: 'streaming-response',
        HANDLER_DONE: { target: 'streaming-response', actions: 'finishAnswer' },
        HANDLER_FAILED: end('handler-failed'),
        HALF_CLOSED: [{ guard: 'requestIsComplete', actions: 'watchForHangUp' }, end('hung-up')],
        DRAIN: ignored,
        GRACE_OVER: ignored,
        BYTES: impossible,
        REQUEST_OUTGREW: impossible,
        ANSWER_FLUSHED: impossible,
      },
    },
    'streaming-response': {
      description: 'From the first chunk of the answer to the flush packet, and to the end of the request.',
      on: {
        ...endings,
        REQUEST_COMPLETE: [{ guard: 'answerIsFlushed', ...end('answered') }, { actions: 'markComplete' }],
        HANDLER_DONE: { actions: 'finishAnswer' },
        HANDLER_FAILED: end('handler-failed'),
        ANSWER_FLUSHED: [{ guard: 'requestIsComplete', ...end('answered') }, { actions: 'markFlushed' }],
        // A client with its whole answer may leave, though it has not sent all of its request.
        HUNG_UP: [{ guard: 'answerIsFlushed', ...end('answered') }, end('hung-up')],
        HALF_CLOSED: [
          { guard: 'answerIsFlushed', ...end('answered') },
          { guard: 'requestIsComplete', actions: 'watchForHangUp' },
          end('hung-up'),
        ],
        DRAIN: ignored,
        GRACE_OVER: ignored,
        BYTES: impossible,
        REQUEST_OUTGREW: impossible,
        SLOT_AWAITED: impossible,
        SLOT_GRANTED: impossible,
        ANSWER_STARTED: impossible,
      },
    },
    closed: {
      description: 'Over. Its output says how it ended.',
      type: 'final',
      entry: 'close',
    },
  },
});

export type ConnectionState =
  | 'listening'
  | 'reading-request'
  | 'dispatching'
  | 'streaming-response'
  | 'closed';
