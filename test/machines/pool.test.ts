import { deepEqual, ok } from 'node:assert/strict';

import test from 'ava';
import * as fc from 'fast-check';
import type { EventObject } from 'xstate';

import { poolTransitions } from '../../src/machines/pool.generated.ts';
import {
  poolMachine,
  type EndReason,
  type PoolEffects,
  type PoolEvent,
  type PoolOutput,
  type PoolState,
} from '../../src/machines/pool.ts';
import { answersTo, beyondTheSubset, eventsOf, isImpossible } from './definition.ts';
import { compiled, interpreted, run, writtenOut, type Note, type Seen } from './twins.ts';

/** As the server runs it. */
const written = writtenOut(poolTransitions);

const reason = new Error('the reason');

/** An event's descriptor: the events of children are answered by their kind. */
type Descriptor<Type extends string> = Type extends `xstate.${infer Kind}.actor.${string}`
  ? `xstate.${Kind}.actor.*`
  : Type;

/** One of each event: the compiler holds the list against the union. */
const EVENTS: { readonly [Type in PoolEvent['type'] as Descriptor<Type>]: PoolEvent } = {
  PUBLISHED: { type: 'PUBLISHED' },
  START_FAILED: { type: 'START_FAILED', reason },
  CONNECTION: { type: 'CONNECTION', connection: 'a socket' },
  ACCEPT_FAILED: { type: 'ACCEPT_FAILED', reason },
  QUIT: { type: 'QUIT' },
  DRAIN: { type: 'DRAIN' },
  IDLE: { type: 'IDLE' },
  HANDOVER: { type: 'HANDOVER' },
  PATH_LOST: { type: 'PATH_LOST', reason },
  LISTENER_CLOSED: { type: 'LISTENER_CLOSED' },
  LISTENER_FAILED: { type: 'LISTENER_FAILED', reason },
  CRASHED_TOO_OFTEN: { type: 'CRASHED_TOO_OFTEN', reason },
  DEADLINE: { type: 'DEADLINE' },
  'xstate.done.actor.*': {
    type: 'xstate.done.actor.c1',
    actorId: 'c1',
    output: { outcome: 'answered', reason: undefined },
  },
  'xstate.error.actor.*': { type: 'xstate.error.actor.c1', actorId: 'c1', error: reason },
};

const STATES: Record<PoolState, 'lives' | 'final'> = {
  starting: 'lives',
  accepting: 'lives',
  draining: 'lives',
  stopped: 'final',
  failed: 'final',
};

const REASONS: Record<EndReason, true> = {
  closed: true,
  quit: true,
  idle: true,
  'handed-over': true,
  'path-lost': true,
  failed: true,
};

const descriptors = Object.keys(EVENTS) as (keyof typeof EVENTS)[];
const living = Object.keys(STATES).filter((state) => STATES[state as PoolState] === 'lives');

const EFFECTS: Record<keyof PoolEffects, true> = {
  supervise: true,
  refuse: true,
  reportCrash: true,
  reportAcceptError: true,
  beginDrain: true,
  hurryConnections: true,
  setDeadline: true,
  abortConnections: true,
  abandon: true,
  unexpected: true,
};

function machineWith(maxConnections: number) {
  return (note: Note) => {
    const effects: PoolEffects = {
      supervise: (connection, draining) => note('supervise', connection, draining),
      refuse: (connection) => note('refuse', connection),
      reportCrash: (actor, error) => note('reportCrash', actor, String(error)),
      reportAcceptError: (limit) => note('reportAcceptError', limit),
      beginDrain: () => note('beginDrain'),
      hurryConnections: () => note('hurryConnections'),
      setDeadline: (patient) => note('setDeadline', patient),
      abortConnections: () => note('abortConnections'),
      abandon: () => note('abandon'),
      unexpected: (event) => {
        note('unexpected', event);
        throw new Error(`unexpected ${event}`);
      },
    };
    return { machine: poolMachine as never, input: { effects, maxConnections } };
  };
}

const choices = fc.array(
  fc.record({
    pick: fc.nat(1_000),
    any: fc.integer({ min: 0, max: 29 }).map((chance) => chance === 0),
    fails: fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0),
  }),
  { maxLength: 30 },
);
type Choice = { readonly pick: number; readonly any: boolean; readonly fails: boolean };

const FAILURES: ReadonlySet<string> = new Set(['LISTENER_FAILED', 'CRASHED_TOO_OFTEN', 'START_FAILED']);

/** Events that the choices stand for. A connection ends only where one is open, unless `any` event may come. */
function choosing(list: readonly Choice[], chosen: EventObject[], onlyCaused: boolean) {
  return (seen: Seen, index: number): EventObject | undefined => {
    const choice = list[index];
    if (choice === undefined || seen.status !== 'active') return undefined;
    const { open, listening } = seen.context as { open: number; listening: boolean };
    const fitting = descriptors.filter((descriptor) => {
      if (choice.any && !onlyCaused) return true;
      if (isImpossible(poolMachine as never, seen.value as string, descriptor)) return false;
      if (descriptor.startsWith('xstate.') && open === 0) return false;
      if (!listening && ['CONNECTION', 'LISTENER_CLOSED', 'ACCEPT_FAILED'].includes(descriptor)) return false;
      return choice.fails || !FAILURES.has(descriptor);
    });
    const event = EVENTS[fitting[choice.pick % fitting.length] as keyof typeof EVENTS];
    chosen.push(event);
    return event;
  };
}

test("the states have exactly the design's names", (t) => {
  t.deepEqual(Object.keys(poolMachine.states), Object.keys(STATES));
  t.is(poolMachine.config.initial, 'starting');
  for (const [state, kind] of Object.entries(STATES)) {
    t.is(poolMachine.states[state]?.type, kind === 'final' ? 'final' : 'atomic', state);
  }
});

test('every state that lives has an entry of its own for every event', (t) => {
  for (const state of living) {
    t.deepEqual(eventsOf(poolMachine as never, state).toSorted(), descriptors.toSorted(), state);
  }
});

test('every state says what it is', (t) => {
  for (const state of Object.values(poolMachine.states)) t.truthy(state.description, state.key);
});

test('nothing in it is invoked, delayed or parallel: timers and promises are effects', (t) => {
  t.deepEqual(beyondTheSubset(poolMachine as never), []);
});

test('a failure of the listener, and too many crashes, fail it with the cause', (t) => {
  const published = [EVENTS.PUBLISHED];
  const paths: PoolEvent[][] = [
    [EVENTS.START_FAILED],
    [EVENTS.LISTENER_FAILED],
    [...published, EVENTS.LISTENER_FAILED],
    [...published, EVENTS.CRASHED_TOO_OFTEN],
    [...published, EVENTS.DRAIN, EVENTS.LISTENER_FAILED],
  ];
  for (const path of paths) {
    const { notes, last } = run(written, machineWith(1), (_, index) => path[index]);
    t.is(last.value, 'failed');
    t.is((last.output as PoolOutput).reason, 'failed');
    t.is(String((last.output as PoolOutput).error), 'Error: the reason');
    t.true((notes as [string][]).some(([effect]) => effect === 'abandon'));
  }
});

test('each way to drain has its reason', (t) => {
  for (const [type, why] of [
    ['DRAIN', 'closed'],
    ['QUIT', 'quit'],
    ['PATH_LOST', 'path-lost'],
  ] as const) {
    const path = [EVENTS.PUBLISHED, EVENTS[type], EVENTS.LISTENER_CLOSED];
    const { last } = run(written, machineWith(1), (_, index) => path[index]);
    t.is(last.value, 'stopped');
    t.is((last.output as PoolOutput).reason, why);
  }
});

test('what ends it says so: nothing in a living state leads to a final one but failures and an empty drain', (t) => {
  const ways = living.flatMap((state) =>
    descriptors.flatMap((descriptor) =>
      answersTo(poolMachine as never, state, descriptor)
        .filter(({ target }) => target === 'stopped' || target === 'failed')
        .map(({ target, guard }) => `${state} ${descriptor} ${guard ?? ''} ${target}`),
    ),
  );
  t.deepEqual(ways.toSorted(), [
    'accepting CRASHED_TOO_OFTEN  failed',
    'accepting LISTENER_FAILED  failed',
    'draining LISTENER_CLOSED isEmpty stopped',
    'draining LISTENER_FAILED  failed',
    'draining xstate.done.actor.* isLast stopped',
    'draining xstate.error.actor.* isLast stopped',
    'starting LISTENER_FAILED  failed',
    'starting START_FAILED  failed',
  ]);
});

test('for random events, it does the same interpreted, by its table and written out as code', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(choices, fc.integer({ min: 1, max: 4 }), (list, most) => {
        const chosen: EventObject[] = [];
        const one = run(interpreted, machineWith(most), choosing(list, chosen, false));
        for (const way of [compiled, written])
          deepEqual(
            run(way, machineWith(most), (_, index) => chosen[index]),
            one,
          );
      }),
      { numRuns: 1_500 },
    ),
  );
});

test('for random events that a runtime may send, what it promises holds', (t) => {
  const reasons = new Set<string>();
  t.notThrows(() =>
    fc.assert(
      fc.property(choices, fc.integer({ min: 1, max: 4 }), (list, most) => {
        const { notes, last } = run(written, machineWith(most), choosing(list, [], true));
        let open = 0;
        for (const [effect, event] of notes as [string, string][]) {
          if (effect === 'supervise') open++;
          if (effect === 'after' && event.startsWith('xstate.')) open--;
          ok(open >= 0 && open <= most, 'never more connections than may be open');
          ok(effect !== 'refuse' || open === most, 'nobody is refused while there is room');
        }
        const effects = (notes as [string][]).map(([name]) => name).filter((name) => name in EFFECTS);
        equalTimes(
          effects,
          'beginDrain',
          last.value === 'draining' || last.value === 'stopped' ? 1 : undefined,
        );
        if (last.value === 'stopped') ok(open === 0, 'it stops when the last connection has ended');
        if (last.status === 'done') reasons.add((last.output as PoolOutput).reason);
      }),
      { numRuns: 2_500 },
    ),
  );
  t.deepEqual([...reasons].toSorted(), Object.keys(REASONS).toSorted(), 'all of them were reached');
});

function equalTimes(effects: readonly string[], effect: string, times: number | undefined): void {
  const found = effects.filter((name) => name === effect).length;
  ok(times === undefined ? found <= 1 : found === times, `${effect} came ${found} times`);
}

test('an event that cannot come crashes the pool, and is named', (t) => {
  for (const way of [interpreted, compiled, written]) {
    const { last } = run(way, machineWith(1), (_, index) => (index === 0 ? EVENTS.CONNECTION : undefined));
    t.is(last.status, 'error');
    t.is(last.error, 'Error: unexpected CONNECTION');
  }
});
