import { deepEqual } from 'node:assert/strict';

import test from 'ava';
import * as fc from 'fast-check';
import {
  assign,
  createActor,
  createMachine,
  enqueueActions,
  not,
  raise,
  setup,
  type AnyStateMachine,
} from 'xstate';

import { compile, CompileError } from '../../src/machines/compile.ts';
import { eventSequence, machineSpec, makeMachine } from './random-machine.ts';
import { compiled, interpreted, run, type Note } from './twins.ts';

test('a random machine of the subset behaves the same, interpreted and compiled', (t) => {
  const reached = { done: 0, error: 0, active: 0, sent: 0, assigned: 0 };
  t.notThrows(() =>
    fc.assert(
      fc.property(machineSpec, eventSequence, (spec, sequence) => {
        const make = (note: Note) => makeMachine(spec, note);
        const one = run(interpreted, make, (_, index) => sequence[index]);
        const other = run(compiled, make, (_, index) => sequence[index]);
        deepEqual(other.notes, one.notes);
        reached[one.last.status as 'done']++;
        for (const [kind] of one.notes as [string][]) {
          if (kind === 'send') reached.sent++;
          if (kind === 'add') reached.assigned++;
        }
      }),
      { numRuns: 1_500 },
    ),
  );
  // The machines were worth it: they ended, failed, went on, sent and assigned, each many times.
  for (const [what, times] of Object.entries(reached)) t.true(times > 50, `${what}: ${times}`);
});

// ---- What a definition may say.

const plain = setup({
  types: { context: {} as { count: number }, events: {} as { type: string } },
  actions: {
    effect: () => undefined,
    add: assign({ count: ({ context }) => context.count + 1 }),
    raised: raise({ type: 'A' }),
    queued: enqueueActions(() => undefined) as never,
    withParams: (_args, _params: { n: number }) => undefined,
  },
  guards: {
    yes: () => true,
    notYes: not('yes' as never),
    withParams: (_args, _params: { n: number }) => true,
  },
});

/** A machine with these states, from `a` on; they are of any kind, so its types say nothing. */
function machineOf(states: object, root: object = {}): AnyStateMachine {
  return plain.createMachine({ context: { count: 0 }, initial: 'a', states, ...root } as never) as never;
}

const onA = (transition: unknown) => () => machineOf({ a: { on: { A: transition } }, b: {} });

const refusals: Record<string, { of: () => AnyStateMachine; says: RegExp }> = {
  'nested states': {
    of: () => machineOf({ a: { initial: 'x', states: { x: {} } } }),
    says: /state 'a' has 'initial'/,
  },
  'parallel states': {
    of: () => machineOf({ a: { type: 'parallel' } }),
    says: /state 'a' has the type 'parallel'/,
  },
  'a parallel root': {
    of: () => createMachine({ type: 'parallel', states: { a: {} } }) as never,
    says: /the root has 'type'/,
  },
  'a history state': {
    of: () => machineOf({ a: {}, b: { type: 'history' } }),
    says: /state 'b' has the type 'history'/,
  },
  invoke: {
    of: () => machineOf({ a: { invoke: { src: createMachine({}) } } }),
    says: /state 'a' has 'invoke'.*Run it interpreted/,
  },
  after: { of: () => machineOf({ a: { after: { 10: 'a' } } }), says: /state 'a' has 'after'/ },
  always: { of: () => machineOf({ a: { always: 'b' }, b: {} }), says: /state 'a' has 'always'/ },
  onDone: { of: () => machineOf({ a: { onDone: 'a' } }), says: /state 'a' has 'onDone'/ },
  tags: { of: () => machineOf({ a: { tags: ['x'] } }), says: /state 'a' has 'tags'/ },
  'an exit action of a final state': {
    of: () => machineOf({ a: {}, b: { type: 'final', exit: 'effect' } }),
    says: /state 'b' is final and has 'exit'/,
  },
  'transitions of the root': {
    of: () => machineOf({ a: {} }, { on: { A: '.a' } }),
    says: /the root has 'on'/,
  },
  'entry actions of the root': {
    of: () => machineOf({ a: {} }, { entry: 'effect' }),
    says: /the root has 'entry'/,
  },
  'no initial state': {
    of: () => createMachine({}) as never,
    says: /the root names no initial state/,
  },
  reenter: { of: onA({ target: 'a', reenter: true }), says: /'A' in state 'a' has 'reenter'/ },
  'a target elsewhere': {
    of: () => machineOf({ a: { on: { A: '#c' } }, b: { id: 'c' } }),
    says: /'A' in state 'a' has the target '#c', which is no state/,
  },
  'several targets': { of: onA({ target: ['b'] }), says: /'A' in state 'a' has several targets/ },
  'a wildcard in the middle': {
    of: () => machineOf({ a: { on: { 'a.*.b': {} } } }),
    says: /state 'a' answers 'a\.\*\.b': a wildcard ends its descriptor/,
  },
  'two wildcards': {
    of: () => machineOf({ a: { on: { 'a.*.*': {} } } }),
    says: /state 'a' answers 'a\.\*\.\*': a wildcard ends its descriptor/,
  },
  'part of a word as wildcard': {
    of: () => machineOf({ a: { on: { 'ab*': {} } } }),
    says: /state 'a' answers 'ab\*'/,
  },
  'an inline action': {
    of: onA({ actions: () => undefined }),
    says: /'A' in state 'a' has an inline action/,
  },
  'an inline entry action': {
    of: () => machineOf({ a: { entry: [() => undefined] } }),
    says: /state 'a' has an inline action/,
  },
  'an inline guard': { of: onA({ guard: () => true }), says: /'A' in state 'a' has an inline guard/ },
  'an inline assign': { of: onA({ actions: assign({}) }), says: /'A' in state 'a' has an inline action/ },
  'an action without implementation': {
    of: onA({ actions: ['effect', 'missing'] }),
    says: /'A' in state 'a' names the action 'missing', which has no implementation/,
  },
  'a guard without implementation': {
    of: onA({ guard: 'missing' }),
    says: /'A' in state 'a' names the guard 'missing', which has no implementation/,
  },
  'a guard that names another': {
    of: () => {
      const machine = machineOf({ a: { on: { A: { guard: 'alias' } } } });
      return machine.provide({ guards: { alias: 'yes' as never } });
    },
    says: /'A' in state 'a' uses the guard 'alias', which/,
  },
  'a guard that combines others': {
    of: onA({ guard: 'notYes' }),
    says: /uses the guard 'notYes', which combines others/,
  },
  'an inline combination of guards': { of: onA({ guard: not('yes') }), says: /has an inline guard/ },
  'a raised event': {
    of: onA({ actions: 'raised' }),
    says: /uses the action 'raised', which is XState's 'xstate\.raise'/,
  },
  'queued actions': {
    of: onA({ actions: 'queued' }),
    says: /'queued', which is XState's 'xstate\.enqueueActions'/,
  },
  'computed parameters of an action': {
    of: onA({ actions: { type: 'withParams', params: () => ({ n: 1 }) } }),
    says: /computes the parameters of the action 'withParams'/,
  },
  'computed parameters of a guard': {
    of: onA({ guard: { type: 'withParams', params: () => ({ n: 1 }) } }),
    says: /computes the parameters of the guard 'withParams'/,
  },
};

for (const [name, { of, says }] of Object.entries(refusals)) {
  test(`refused, with a clear error: ${name}`, (t) => {
    const machine = of();
    const error = t.throws(() => compile(machine), { instanceOf: CompileError, message: says });
    t.is(error?.name, 'CompileError');
  });
}

test('refused when it happens: an actor spawned in the context', (t) => {
  const machine = createMachine({
    context: ({ spawn }) => ({ child: spawn(createMachine({})) }),
    initial: 'a',
    states: { a: {} },
  });
  const actor = createActor(compile(machine));
  t.is(actor.getSnapshot().status, 'error');
  t.regex(String(actor.getSnapshot().error), /CompileError: .*spawns no actor/);
});

test('taken: descriptions, meta and ids, which change nothing', (t) => {
  const machine = machineOf(
    {
      a: {
        id: 'first',
        description: 'The first.',
        meta: { x: 1 },
        on: { A: { target: 'b', description: 'On.' } },
      },
      b: {},
    },
    { description: 'A machine.', version: '1', meta: {} },
  );
  const actor = createActor(compile(machine)).start();
  actor.send({ type: 'A' });
  t.is((actor.getSnapshot() as { value: string }).value, 'b');
});

// ---- What goes wrong at run time.

/** Makes a machine of which one implementation throws. */
const throwing = (where: 'entry' | 'exit' | 'transition' | 'assign' | 'initial') => (note: Note) => {
  const fail = 'fail';
  const machine = setup({
    types: { context: {} as { count: number } },
    actions: {
      note: ({ context }) => note('effect', context),
      add: assign({ count: ({ context }) => context.count + 1 }),
      fail: () => {
        throw new RangeError('thrown on purpose');
      },
      failToAssign: assign(() => {
        throw new RangeError('thrown on purpose');
      }),
    },
  }).createMachine({
    context: { count: 0 },
    initial: 'a',
    states: {
      a: {
        entry: ['add', 'note', ...(where === 'initial' ? ([fail] as const) : []), 'note'],
        exit: ['add', ...(where === 'exit' ? ([fail] as const) : []), 'note'],
        on: {
          A: {
            target: 'b',
            actions: [
              'add',
              'note',
              ...(where === 'transition' ? ([fail] as const) : []),
              where === 'assign' ? 'failToAssign' : 'note',
            ],
          },
        },
      },
      b: { entry: ['add', ...(where === 'entry' ? ([fail] as const) : []), 'note'] },
    },
  });
  return { machine: machine as unknown as AnyStateMachine };
};

for (const where of ['initial', 'exit', 'transition', 'assign', 'entry'] as const) {
  test(`an action that throws fails the actor in the same way: ${where}`, (t) => {
    const next = (_: unknown, index: number) => (index < 2 ? { type: 'A' } : undefined);
    const one = run(interpreted, throwing(where), next);
    t.deepEqual(run(compiled, throwing(where), next), one);
    t.is(one.last.status, 'error');
    t.is(one.last.error, 'RangeError: thrown on purpose');
  });
}

test('a guard that throws fails the actor in both; the interpreter says more around its message', (t) => {
  const make = () => ({
    machine: setup({
      guards: {
        fail: () => {
          throw new RangeError('thrown on purpose');
        },
      },
    }).createMachine({
      initial: 'a',
      states: { a: { on: { A: { guard: 'fail' } } } },
    }) as unknown as AnyStateMachine,
  });
  for (const way of [interpreted, compiled]) {
    const { last } = run(way, make, (_, index) => (index === 0 ? { type: 'A' } : undefined));
    t.is(last.status, 'error');
    t.is(last.value, 'a');
    t.regex(last.error as string, /thrown on purpose$/);
  }
});

test('the failure of a child that nobody answers for fails the parent in the same way', (t) => {
  const answers: [string, object, string][] = [
    ['nobody', {}, 'error'],
    ['another event', { A: 'b' }, 'error'],
    ['by its name', { 'xstate.error.actor.child': 'b' }, 'active'],
    ['by its kind', { 'xstate.error.actor.*': {} }, 'active'],
    ['by anything', { '*': 'b' }, 'active'],
    ['a guard that lets nothing through', { '*': { guard: 'no', target: 'b' } }, 'error'],
  ];
  for (const [who, on, status] of answers) {
    const make = () => ({
      machine: setup({ guards: { no: () => false } }).createMachine({
        initial: 'a',
        states: { a: { on }, b: {} },
      } as never) as unknown as AnyStateMachine,
    });
    const next = (_: unknown, index: number) =>
      index === 0 ? { type: 'xstate.error.actor.child', error: new Error('the child failed') } : undefined;
    const one = run(interpreted, make, next);
    t.deepEqual(run(compiled, make, next), one, who);
    t.is(one.last.status, status, who);
    t.is(one.last.error, status === 'error' ? 'Error: the child failed' : undefined, who);
  }
});

test('a compiled machine is a child like any other: its parent hears of its end and of its failure', (t) => {
  for (const way of [interpreted, compiled]) {
    const heard: unknown[] = [];
    const child = setup({
      actions: {
        fail: () => {
          throw new Error('failed');
        },
      },
    }).createMachine({
      initial: 'a',
      output: () => 'the end',
      states: { a: { on: { END: 'b', FAIL: { actions: 'fail' } } }, b: { type: 'final' } },
    });
    for (const type of ['END', 'FAIL']) {
      const parent = createActor(
        setup({
          types: { events: {} as { type: string; output?: unknown; error?: unknown } },
          actions: {
            hear: ({ event }) => heard.push([event.type, event.output, String(event.error ?? '')]),
          },
        }).createMachine({ initial: 'a', states: { a: { on: { '*': { actions: 'hear' } } } } }),
      ).start();
      const actor = createActor(way(child as never), { id: 'c1', parent });
      actor.start();
      actor.send({ type });
    }
    t.deepEqual(heard, [
      ['xstate.done.actor.c1', 'the end', ''],
      ['xstate.error.actor.c1', undefined, 'Error: failed'],
    ]);
  }
});

test('a stopped actor is stopped, and answers nothing more', (t) => {
  const machine = machineOf({ a: { on: { A: 'b' } }, b: {} });
  for (const way of [interpreted, compiled]) {
    const actor = createActor(way(machine)).start();
    actor.stop();
    actor.send({ type: 'A' });
    const { status, value } = actor.getSnapshot() as { status: string; value: unknown };
    t.deepEqual({ status, value }, { status: 'stopped', value: 'a' });
  }
});
