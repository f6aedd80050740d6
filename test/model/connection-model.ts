/**
 * The connection machine as a model to be walked: the definition itself, with each effect that matters to what may come
 * next replaced by a note of it in the context. A vertex is a state with these notes; an edge an event in it.
 */
import { assign, transition, type AnyMachineSnapshot, type EventObject } from 'xstate';
import { createTestModel } from 'xstate/graph';

import {
  connectionMachine,
  type ConnectionEvent,
  type ConnectionState,
} from '../../src/machines/connection.ts';

export type EventType = ConnectionEvent['type'];

/** What is known of a connection at a vertex. */
export interface Vertex {
  readonly state: ConnectionState;
  readonly requestComplete: boolean;
  readonly answerFlushed: boolean;
  /** The handler was called. */
  readonly running: boolean;
  /** What is left of the answer was sent, and the flush packet. */
  readonly finished: boolean;
  /** The client has ended its side, and may still read. */
  readonly halfClosed: boolean;
  /** The server is stopping, and said so before the client had spoken. */
  readonly grace: boolean;
  readonly outcome: string | undefined;
}

export interface Path {
  /** The first is the start in `listening`, by `xstate.init`. */
  readonly steps: readonly { readonly event: EventObject; readonly state: AnyMachineSnapshot }[];
  readonly state: AnyMachineSnapshot;
  test(params: {
    states: Record<string, (state: AnyMachineSnapshot) => Promise<void>>;
    events: Record<string, () => Promise<void>>;
  }): Promise<unknown>;
}

const noted = (note: keyof Vertex) => assign({ [note]: true });

const machine = connectionMachine.provide({
  actions: {
    runHandler: noted('running'),
    finishAnswer: noted('finished'),
    watchForHangUp: noted('halfClosed'),
    startGrace: noted('grace'),
  } as never,
});

const model = createTestModel(machine, {
  // A vertex is the state reached, however it was reached.
  serializeState: (snapshot) => nameOf(snapshot as unknown as AnyMachineSnapshot),
  logger: { log: () => undefined, error: () => undefined },
});

const names = new WeakMap<AnyMachineSnapshot, string>();

/** The walk over all paths asks for the same few names a million times. */
function nameOf(snapshot: AnyMachineSnapshot): string {
  let name = names.get(snapshot);
  if (name === undefined) {
    name = JSON.stringify(vertexOf(snapshot));
    names.set(snapshot, name);
  }
  return name;
}

// Its effects are notes here, so it needs none. Paths that are the start of others are kept.
const options = { input: {}, allowDuplicatePaths: true } as never;

/** One to each vertex. */
export const shortestPaths = (): Path[] => model.getShortestPaths(options) as unknown as Path[];

/** All to `closed`: in every other state the server may end the connection, so every other path is the start of these. */
export const simplePaths = (): Path[] =>
  (model.getSimplePaths(options) as unknown as Path[]).filter(({ state }) => state.status === 'done');

export function vertexOf(snapshot: AnyMachineSnapshot): Vertex {
  const context = snapshot.context as Partial<Vertex>;
  return {
    state: snapshot.value as ConnectionState,
    requestComplete: context.requestComplete === true,
    answerFlushed: context.answerFlushed === true,
    running: context.running === true,
    finished: context.finished === true,
    halfClosed: context.halfClosed === true,
    grace: context.grace === true,
    outcome: context.outcome,
  };
}

export const start = (): AnyMachineSnapshot => model.testLogic.getInitialSnapshot({} as never, {}) as never;

/** Where an event leads. */
export function next(snapshot: AnyMachineSnapshot, event: string): AnyMachineSnapshot {
  return transition(
    machine as never,
    snapshot as never,
    { type: event } as never,
  )[0] as unknown as AnyMachineSnapshot;
}

export function eventsOf(path: Path): EventType[] {
  return path.steps.slice(1).map(({ event }) => event.type as EventType);
}

// ---- What a server cannot be brought to, and why.

/** What an excuse may look at: where the path is, and how it got there. */
export interface Situation extends Vertex {
  /** Part of the answer was taken while the request was not complete, so that it may wait in memory for its client. */
  readonly mayHold: boolean;
}

export interface Excuse {
  readonly why: string;
  readonly events: readonly EventType[];
  readonly when: (situation: Situation) => boolean;
}

/** Edges that no client, handler or server brings about. The test sees to it that none of them is ever observed. */
export const EXCUSES: readonly Excuse[] = [
  {
    why: 'what a client sends first is BYTES, whatever is wrong with it',
    events: ['PROTOCOL_ERROR', 'LIMIT_EXCEEDED'],
    when: ({ state }) => state === 'listening',
  },
  {
    why: 'the grace starts with DRAIN',
    events: ['GRACE_OVER'],
    when: ({ grace }) => !grace,
  },
  {
    why: 'a server that ends its connections drains first, and a listening connection hears of it',
    events: ['ABORTED'],
    when: ({ state, grace }) => state === 'listening' && !grace,
  },
  {
    why: 'a client that leaves nothing unread shows an end of file first: HALF_CLOSED',
    events: ['HUNG_UP'],
    when: ({ state, requestComplete, halfClosed }) =>
      state === 'listening' ||
      state === 'reading-request' ||
      (state === 'dispatching' && requestComplete && !halfClosed),
  },
  {
    why: 'there is no handler yet that could do so',
    events: ['ANSWER_STARTED', 'HANDLER_DONE', 'HANDLER_FAILED'],
    when: ({ state, running }) => state === 'dispatching' && !running,
  },
  {
    why: 'a request that has outgrown its window is not read until its handler reads it',
    events: ['REQUEST_COMPLETE', 'PROTOCOL_ERROR', 'LIMIT_EXCEEDED', 'HALF_CLOSED'],
    when: ({ state, running, requestComplete }) => state === 'dispatching' && !running && !requestComplete,
  },
  {
    why: 'while it waits for a slot or for its handler, a connection waits for nothing of its client',
    events: ['TIMED_OUT'],
    when: ({ state, running, requestComplete }) => state === 'dispatching' && (!running || requestComplete),
  },
  {
    why: 'a request that is complete gets no longer',
    events: ['LIMIT_EXCEEDED'],
    when: ({ requestComplete }) => requestComplete,
  },
  {
    why: 'nothing comes after the end of file',
    events: ['PROTOCOL_ERROR'],
    when: ({ halfClosed }) => halfClosed,
  },
  {
    why: 'the flush packet is not sent yet',
    events: ['ANSWER_FLUSHED'],
    when: ({ state, finished }) => state === 'streaming-response' && !finished,
  },
  {
    why: 'the handler has ended already',
    events: ['HANDLER_FAILED', 'HANDLER_DONE'],
    when: ({ finished }) => finished,
  },
  {
    why: 'the kernel has all of the answer when the handler ends, so ANSWER_FLUSHED follows at once',
    events: [
      'REQUEST_COMPLETE',
      'HALF_CLOSED',
      'HUNG_UP',
      'PROTOCOL_ERROR',
      'LIMIT_EXCEEDED',
      'TIMED_OUT',
      'ABORTED',
    ],
    when: ({ state, finished, answerFlushed, mayHold }) =>
      state === 'streaming-response' && finished && !answerFlushed && !mayHold,
  },
];

/** The situation before each step but the first, which is the start; and before `last`, where that follows the path. */
export function situations(
  path: Path,
  last?: EventType,
): { readonly situation: Situation; readonly event: EventType }[] {
  let mayHold = false;
  const events = eventsOf(path);
  if (last !== undefined) events.push(last);
  return events.map((event, index) => {
    const vertex = vertexOf((path.steps[index] as Path['steps'][number]).state);
    const situation = { ...vertex, mayHold };
    if (event === 'ANSWER_STARTED' && !vertex.requestComplete) mayHold = true;
    return { situation, event };
  });
}

export function excusesFor(event: string, situation: Situation): Excuse[] {
  return EXCUSES.filter(
    ({ events, when }) => (events as readonly string[]).includes(event) && when(situation),
  );
}
