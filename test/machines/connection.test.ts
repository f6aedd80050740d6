import { deepEqual, ok } from 'node:assert/strict';

import test from 'ava';
import * as fc from 'fast-check';
import type { EventObject } from 'xstate';

import { connectionTransitions } from '../../src/machines/connection.generated.ts';
import {
  connectionMachine,
  type ConnectionEffects,
  type ConnectionEvent,
  type ConnectionOutput,
  type ConnectionState,
  type Outcome,
} from '../../src/machines/connection.ts';
import { answersTo, eventsOf, isImpossible, beyondTheSubset } from './definition.ts';
import { compiled, interpreted, run, writtenOut, type Note, type Seen } from './twins.ts';

/** As the server runs it. */
const written = writtenOut(connectionTransitions);

const reason = new Error('the reason');

/** One of each event: the compiler holds the list against the union. */
const EVENTS: { readonly [Type in ConnectionEvent['type']]: Extract<ConnectionEvent, { type: Type }> } = {
  BYTES: { type: 'BYTES' },
  REQUEST_COMPLETE: { type: 'REQUEST_COMPLETE' },
  REQUEST_OUTGREW: { type: 'REQUEST_OUTGREW', limit: 'window' },
  SLOT_AWAITED: { type: 'SLOT_AWAITED' },
  SLOT_GRANTED: { type: 'SLOT_GRANTED' },
  ANSWER_STARTED: { type: 'ANSWER_STARTED' },
  HANDLER_DONE: { type: 'HANDLER_DONE' },
  HANDLER_FAILED: { type: 'HANDLER_FAILED', reason },
  ANSWER_FLUSHED: { type: 'ANSWER_FLUSHED' },
  HALF_CLOSED: { type: 'HALF_CLOSED' },
  HUNG_UP: { type: 'HUNG_UP', reason },
  PROTOCOL_ERROR: { type: 'PROTOCOL_ERROR', reason },
  LIMIT_EXCEEDED: { type: 'LIMIT_EXCEEDED', reason },
  TIMED_OUT: { type: 'TIMED_OUT', reason },
  DRAIN: { type: 'DRAIN' },
  GRACE_OVER: { type: 'GRACE_OVER', reason },
  ABORTED: { type: 'ABORTED', reason },
};

const STATES: Record<ConnectionState, true> = {
  listening: true,
  'reading-request': true,
  dispatching: true,
  'streaming-response': true,
  closed: true,
};

const OUTCOMES: Record<Outcome, true> = {
  answered: true,
  pinged: true,
  'hung-up': true,
  'protocol-error': true,
  limit: true,
  'timed-out': true,
  'handler-failed': true,
  aborted: true,
  refused: true,
};

const types = Object.keys(EVENTS) as ConnectionEvent['type'][];

/** Effects that are noted. An `eager` one answers with its event before it returns, as the runtime's may. */
function machineWith(eager: readonly string[]) {
  return (note: Note) => {
    let send: (event: ConnectionEvent) => void = () => undefined;
    const answer = (effect: string, event: ConnectionEvent) => {
      note(effect);
      if (!eager.includes(effect)) return;
      note('eager', event.type);
      send(event);
    };
    const effects: ConnectionEffects = {
      awaitSlot: () => answer('awaitSlot', EVENTS.SLOT_GRANTED),
      runHandler: () => answer('runHandler', EVENTS.HANDLER_DONE),
      finishAnswer: () => answer('finishAnswer', EVENTS.ANSWER_FLUSHED),
      watchForHangUp: () => answer('watchForHangUp', EVENTS.HUNG_UP),
      startGrace: () => note('startGrace'),
      close: (outcome, why) => note('close', outcome, why?.message),
      unexpected: (event) => {
        note('unexpected', event);
        throw new Error(`unexpected ${event}`);
      },
    };
    // Effects know their actor by a property that the runtime sets; here the machine's own actions tell it.
    const machine = connectionMachine.provide({
      actions: {
        awaitSlot: ({ context, self }) => {
          send = (event) => self.send(event);
          context.effects.awaitSlot();
        },
      },
    });
    return { machine: machine as never, input: effects };
  };
}

/** Mostly an event that may come in the state; now and then any. */
const choices = fc.array(
  fc.record({
    pick: fc.nat(1_000),
    any: fc.integer({ min: 0, max: 19 }).map((chance) => chance === 0),
    ends: fc.integer({ min: 0, max: 3 }).map((chance) => chance === 0),
  }),
  { maxLength: 25 },
);
const eagerness = fc.subarray(['awaitSlot', 'runHandler', 'finishAnswer', 'watchForHangUp']);

type Choice = { readonly pick: number; readonly any: boolean; readonly ends: boolean };

/** The events that the choices stand for, seeing the state of the moment. They are kept in `chosen`. */
function choosing(
  list: readonly Choice[],
  chosen: EventObject[],
  mayCome?: (type: ConnectionEvent['type'], notes: readonly unknown[]) => boolean,
) {
  return (seen: Seen, index: number, notes: readonly unknown[]): EventObject | undefined => {
    const choice = list[index];
    if (choice === undefined || seen.status !== 'active') return undefined;
    const fitting = types.filter((type) => {
      if (mayCome !== undefined ? !mayCome(type, notes) : choice.any) return mayCome === undefined;
      if (isImpossible(connectionMachine as never, seen.value as string, type)) return false;
      return choice.ends || !('reason' in EVENTS[type]);
    });
    const event = EVENTS[fitting[choice.pick % fitting.length] as ConnectionEvent['type']];
    chosen.push(event);
    return event;
  };
}

test("the states have exactly the design's names", (t) => {
  t.deepEqual(Object.keys(connectionMachine.states), Object.keys(STATES));
  t.is(connectionMachine.config.initial, 'listening');
  t.is(connectionMachine.states['closed']?.type, 'final');
});

test('every state has an entry of its own for every event', (t) => {
  for (const state of Object.keys(STATES)) {
    if (state === 'closed') continue;
    t.deepEqual(eventsOf(connectionMachine as never, state).toSorted(), types.toSorted(), state);
  }
});

test('every state says what it is', (t) => {
  for (const state of Object.values(connectionMachine.states)) t.truthy(state.description, state.key);
});

test('nothing in it is invoked, delayed or parallel: timers and promises are effects', (t) => {
  t.deepEqual(beyondTheSubset(connectionMachine as never), []);
});

test('it ends only by an outcome, and each outcome is in use', (t) => {
  const used = new Set<string>();
  for (const state of Object.keys(STATES)) {
    for (const type of types) {
      for (const answer of answersTo(connectionMachine as never, state, type)) {
        if (answer.target !== 'closed') continue;
        t.is(answer.actions.length, 1, `${type} in ${state}: nothing is done but to end`);
        const [action] = answer.actions;
        t.is(action?.type, 'end');
        used.add((action?.params as { outcome: string } | undefined)?.outcome ?? 'none');
      }
    }
  }
  t.deepEqual([...used].toSorted(), Object.keys(OUTCOMES).toSorted());
});

test('a failure ends it in every state: hang-up, protocol error, limit, time-out, abort', (t) => {
  for (const state of Object.keys(STATES)) {
    if (state === 'closed') continue;
    for (const type of ['HUNG_UP', 'PROTOCOL_ERROR', 'LIMIT_EXCEEDED', 'TIMED_OUT', 'ABORTED'] as const) {
      for (const answer of answersTo(connectionMachine as never, state, type)) {
        t.is(answer.target, 'closed', `${type} in ${state}`);
      }
    }
  }
});

test('for random events, it does the same interpreted, by its table and written out as code', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(choices, eagerness, (list, eager) => {
        const chosen: EventObject[] = [];
        const one = run(interpreted, machineWith(eager), choosing(list, chosen));
        for (const way of [compiled, written])
          deepEqual(
            run(way, machineWith(eager), (_, index) => chosen[index]),
            one,
          );
      }),
      { numRuns: 1_500 },
    ),
  );
});

test('for random events that a runtime may send, what it promises holds', (t) => {
  const outcomes = new Set<string>();
  const check = () =>
    fc.assert(
      fc.property(choices, eagerness, (list, eager) => {
        const { notes, last } = run(written, machineWith(eager), choosing(list, [], isCaused));
        const effects = (notes as [string, ...unknown[]][]).filter(([effect]) => effect in EFFECTS);
        holds(effects, last);
        ok(isAnswered(notes) === ((last.output as ConnectionOutput | undefined)?.outcome === 'answered'));
        if (last.status === 'done') outcomes.add((last.output as ConnectionOutput).outcome);
      }),
      { numRuns: 2_500 },
    );
  // One of them is so rare that now and then all these runs miss it.
  for (let times = 0; times < 10 && outcomes.size < Object.keys(OUTCOMES).length; times++) t.notThrows(check);
  t.deepEqual([...outcomes].toSorted(), Object.keys(OUTCOMES).toSorted(), 'all of them were reached');
});

/** Whether an event may come after all this: an effect's events come when it was asked for, and once. */
function isCaused(type: ConnectionEvent['type'], notes: readonly unknown[]): boolean {
  const asked = (effect: keyof ConnectionEffects) => (notes as [string][]).some(([name]) => name === effect);
  const came = (event: string) =>
    (notes as [string, string][]).some(
      ([name, on]) => (name === 'after' || name === 'eager') && on === event,
    );
  switch (type) {
    case 'SLOT_AWAITED':
    case 'SLOT_GRANTED':
      return !asked('runHandler');
    case 'ANSWER_STARTED':
    case 'HANDLER_DONE':
    case 'HANDLER_FAILED':
      return asked('runHandler') && !asked('finishAnswer');
    case 'ANSWER_FLUSHED':
      return asked('finishAnswer') && !came('ANSWER_FLUSHED');
    default:
      return true;
  }
}

/** Answered: the answer is with the kernel, and the request was read to its end, or its client was content and left. */
function isAnswered(notes: readonly unknown[]): boolean {
  const came = (notes as [string, string][])
    .filter(([kind]) => kind === 'after' || kind === 'eager')
    .map(([, event]) => event);
  if (!came.includes('ANSWER_FLUSHED')) return false;
  if (came.includes('REQUEST_COMPLETE')) return true;
  return came.at(-1) === 'HUNG_UP' || came.at(-1) === 'HALF_CLOSED';
}

/** All effects. */
const EFFECTS: Record<keyof ConnectionEffects, true> = {
  awaitSlot: true,
  runHandler: true,
  finishAnswer: true,
  watchForHangUp: true,
  startGrace: true,
  close: true,
  unexpected: true,
};

function holds(effects: readonly [string, ...unknown[]][], last: Seen): void {
  const names = effects.map(([effect]) => effect);
  const closed = names.indexOf('close');
  ok(closed === -1 || closed === names.length - 1, 'nothing is done after close, and it is closed once');
  ok(names.indexOf('finishAnswer') === names.lastIndexOf('finishAnswer'), 'one flush');
  ok((last.status === 'done') === (closed !== -1), 'it is over when it is closed');
  if (closed === -1) return;
  const [, outcome, why] = effects[closed] as [string, Outcome, string | undefined];
  const output = last.output as ConnectionOutput;
  ok(output.outcome === outcome, 'its output says how it ended');
  if (outcome === 'answered') ok(names.includes('finishAnswer'), 'answered: only by a whole answer');
  if (outcome === 'refused' || outcome === 'pinged')
    ok(!names.includes('awaitSlot'), 'one that has not spoken is not served');
  if (['protocol-error', 'limit', 'timed-out', 'handler-failed', 'aborted', 'refused'].includes(outcome)) {
    ok(why === reason.message, 'a failure has its reason');
  }
}

test('a failure before the end of the answer is closed without a flush packet', (t) => {
  // Each path to a failure, as short as it gets; none of the ends asks for a flush.
  const before: ConnectionEvent[][] = [
    [],
    [EVENTS.BYTES],
    [EVENTS.BYTES, EVENTS.REQUEST_COMPLETE],
    [EVENTS.BYTES, EVENTS.REQUEST_OUTGREW],
    [EVENTS.BYTES, EVENTS.REQUEST_COMPLETE, EVENTS.SLOT_GRANTED],
    [EVENTS.BYTES, EVENTS.REQUEST_COMPLETE, EVENTS.SLOT_GRANTED, EVENTS.ANSWER_STARTED],
    [EVENTS.BYTES, EVENTS.REQUEST_OUTGREW, EVENTS.SLOT_GRANTED, EVENTS.ANSWER_STARTED],
  ];
  for (const path of before) {
    for (const type of types) {
      const sequence = [...path, EVENTS[type]];
      const { notes, last } = run(written, machineWith([]), (_, index) => sequence[index]);
      if (last.status !== 'done' || type === 'ANSWER_FLUSHED') continue;
      t.false(
        (notes as [string][]).some(([effect]) => effect === 'finishAnswer'),
        sequence.map((event) => event.type).join(' '),
      );
      t.not((last.output as ConnectionOutput).outcome, 'answered');
    }
  }
});

test('an event that cannot come crashes the connection, and is named', (t) => {
  for (const way of [interpreted, compiled, written]) {
    const { last } = run(way, machineWith([]), (_, index) =>
      index === 0 ? EVENTS.ANSWER_FLUSHED : undefined,
    );
    t.is(last.status, 'error');
    t.is(last.error, 'Error: unexpected ANSWER_FLUSHED');
  }
});

test('a half-close is a hang-up only before the request is complete', (t) => {
  const complete = [EVENTS.BYTES, EVENTS.REQUEST_COMPLETE];
  const incomplete = [EVENTS.BYTES, EVENTS.REQUEST_OUTGREW];
  const handled = [EVENTS.SLOT_GRANTED, EVENTS.ANSWER_STARTED];
  for (const [path, goesOn] of [
    [complete, true],
    [[...complete, ...handled], true],
    [incomplete, false],
    [[...incomplete, ...handled], false],
    [[EVENTS.BYTES], false],
  ] as const) {
    const sequence = [...path, EVENTS.HALF_CLOSED];
    const { notes, last } = run(written, machineWith([]), (_, index) => sequence[index]);
    t.is(last.status, goesOn ? 'active' : 'done');
    t.is(
      (notes as [string][]).some(([effect]) => effect === 'watchForHangUp'),
      goesOn,
    );
    if (!goesOn) t.is((last.output as ConnectionOutput).outcome, 'hung-up');
  }
});
