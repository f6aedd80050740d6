/** The pool machine as a model to be walked, as connection-model.ts has the connection's. */
import { assign, transition, type AnyMachineSnapshot, type EventObject } from 'xstate';
import { createTestModel } from 'xstate/graph';

import { poolMachine, type PoolState } from '../../src/machines/pool.ts';
import type { Path } from './connection-model.ts';

/** Connections that may be open. Two: one that is the last and one that is not. */
export const MAX_CONNECTIONS = 2;

export type PoolEventType =
  | 'PUBLISHED'
  | 'START_FAILED'
  | 'CONNECTION'
  | 'ACCEPT_FAILED'
  | 'QUIT'
  | 'DRAIN'
  | 'IDLE'
  | 'HANDOVER'
  | 'PATH_LOST'
  | 'LISTENER_CLOSED'
  | 'LISTENER_FAILED'
  | 'CRASHED_TOO_OFTEN'
  | 'DEADLINE'
  | 'xstate.done.actor.*'
  | 'xstate.error.actor.*';

export interface PoolVertex {
  readonly state: PoolState;
  readonly open: number;
  readonly listening: boolean;
  /** The deadline has passed. */
  readonly aborted: boolean;
  readonly reason: string | undefined;
}

const machine = poolMachine.provide({
  actions: { abortConnections: assign({ aborted: true } as never) } as never,
});

export function vertexOf(snapshot: AnyMachineSnapshot): PoolVertex {
  const context = snapshot.context as Partial<PoolVertex>;
  return {
    state: snapshot.value as PoolState,
    open: context.open ?? 0,
    listening: context.listening === true,
    aborted: context.aborted === true,
    reason: context.reason,
  };
}

const names = new WeakMap<AnyMachineSnapshot, string>();

function nameOf(snapshot: AnyMachineSnapshot): string {
  const name = names.get(snapshot) ?? JSON.stringify(vertexOf(snapshot));
  names.set(snapshot, name);
  return name;
}

const model = createTestModel(machine, {
  serializeState: (snapshot) => nameOf(snapshot as unknown as AnyMachineSnapshot),
  logger: { log: () => undefined, error: () => undefined },
});

const input = { maxConnections: MAX_CONNECTIONS };
const options = {
  input,
  allowDuplicatePaths: true,
  // Children end only while there are any; else the model would have no end.
  filterEvents: (snapshot: AnyMachineSnapshot, event: EventObject) =>
    !event.type.startsWith('xstate.') || vertexOf(snapshot).open > 0,
} as never;

export const shortestPaths = (): Path[] => model.getShortestPaths(options) as unknown as Path[];

/** All to the end of the server: every other path is the start of these. */
export const simplePaths = (): Path[] =>
  (model.getSimplePaths(options) as unknown as Path[]).filter(({ state }) => state.status === 'done');

export const start = (): AnyMachineSnapshot =>
  model.testLogic.getInitialSnapshot({} as never, input) as never;

export function next(snapshot: AnyMachineSnapshot, event: PoolEventType): AnyMachineSnapshot {
  return transition(
    machine as never,
    snapshot as never,
    { type: event } as never,
  )[0] as unknown as AnyMachineSnapshot;
}

export function eventsOf(path: Path): PoolEventType[] {
  return path.steps.slice(1).map(({ event }) => event.type as PoolEventType);
}

/** An event as the model names it: children by their kind. */
export function kindOf(event: string): PoolEventType {
  return event.replace(/^(xstate\.\w+\.actor)\..*/, '$1.*') as PoolEventType;
}

// ---- What a server cannot be brought to, and why.

export interface PoolSituation extends PoolVertex {
  /** Open connections whose handler runs, so that they can end at any time. */
  readonly ready: number;
  /** One of the open connections is that of the handler that quit, and waits for its client. */
  readonly quitting: boolean;
}

export interface PoolExcuse {
  readonly why: string;
  readonly events: readonly PoolEventType[];
  readonly when: (situation: PoolSituation) => boolean;
}

const CHILD_ENDS: readonly PoolEventType[] = ['xstate.done.actor.*', 'xstate.error.actor.*'];
const isDraining = ({ state, listening }: PoolVertex): boolean => state === 'draining' && listening;

export const EXCUSES: readonly PoolExcuse[] = [
  {
    why: 'before the socket is published, what fails is told by START_FAILED',
    events: ['LISTENER_FAILED', 'ACCEPT_FAILED'],
    when: ({ state }) => state === 'starting',
  },
  {
    why: 'a handler quits, so its connection is open',
    events: ['QUIT'],
    when: ({ ready }) => ready === 0,
  },
  {
    why: 'a connection has crashed just before, so there is room',
    events: ['CRASHED_TOO_OFTEN'],
    when: ({ open }) => open === MAX_CONNECTIONS,
  },
  {
    why: 'connections from the backlog come as soon as the server drains',
    events: ['CONNECTION'],
    when: (situation) => isDraining(situation) && situation.aborted,
  },
  {
    why: 'a path that is lost brings nobody into the backlog, and who comes to an idle server keeps it from being that',
    events: ['CONNECTION'],
    when: (situation) =>
      isDraining(situation) && (situation.reason === 'path-lost' || situation.reason === 'idle'),
  },
  {
    why: 'a listener that is closed accepts nobody, closes no more, and does not fail',
    events: ['CONNECTION', 'LISTENER_CLOSED', 'LISTENER_FAILED'],
    when: ({ state, listening }) => state === 'draining' && !listening,
  },
  {
    why: 'a connection from the backlog has to be read first, and meanwhile the listener closes',
    events: CHILD_ENDS,
    when: (situation) => isDraining(situation) && !situation.aborted && situation.ready === 0,
  },
  {
    why: 'a handler that quit has answered, so its connection crashes no more',
    events: ['xstate.error.actor.*'],
    when: ({ quitting, open }) => quitting && open === 1,
  },
  {
    why: 'the deadline ends all connections at once',
    events: ['LISTENER_CLOSED', 'LISTENER_FAILED', 'xstate.error.actor.*'],
    when: ({ state, aborted, open }) => state === 'draining' && aborted && open > 0,
  },
];

export function situations(
  path: Path,
): { readonly situation: PoolSituation; readonly event: PoolEventType }[] {
  let ready = 0;
  let quitting = false;
  const events = eventsOf(path);
  return events.map((event, index) => {
    const vertex = vertexOf((path.steps[index] as Path['steps'][number]).state);
    const situation = { ...vertex, ready, quitting };
    if (event === 'CONNECTION' && vertex.state === 'accepting') ready++;
    if (CHILD_ENDS.includes(event)) ready = Math.max(0, ready - 1);
    if (event === 'QUIT' && events[index + 1] !== 'xstate.done.actor.*') {
      quitting = true;
      ready--;
    }
    // The listener is closed: connections of the backlog can be served.
    if (event === 'LISTENER_CLOSED') ready = vertex.open;
    return { situation, event };
  });
}

export function excusesFor(event: string, situation: PoolSituation): PoolExcuse[] {
  return EXCUSES.filter(
    ({ events, when }) => (events as readonly string[]).includes(event) && when(situation),
  );
}
