/** Random machines of the subset that `compile` takes, and random events for them. */
import * as fc from 'fast-check';
import { assign, setup, type AnyStateMachine } from 'xstate';

import type { Note } from './twins.ts';

const EVENTS = [
  'A',
  'B',
  'C',
  'a',
  'a.b',
  'a.b.c',
  'a.bc',
  'xstate.done.actor.child',
  'xstate.error.actor.child',
] as const;

const DESCRIPTORS = [...EVENTS, '*', 'a.*', 'a.b.*', 'xstate.*', 'xstate.error.actor.*'] as const;

type Reference = string | { readonly type: string; readonly params: object };

export interface TransitionSpec {
  readonly target?: string;
  readonly guard?: Reference;
  readonly actions?: readonly Reference[];
}

interface StateSpec {
  readonly type?: 'final';
  readonly id?: string;
  readonly entry?: readonly Reference[];
  readonly exit?: readonly Reference[];
  readonly on?: Readonly<Record<string, string | TransitionSpec | readonly TransitionSpec[] | undefined>>;
  readonly output?: 'constant' | 'computed';
}

export interface MachineSpec {
  readonly initial: string;
  readonly states: Readonly<Record<string, StateSpec>>;
  readonly output?: 'constant' | 'computed';
  readonly contextFromInput: boolean;
}

const number = fc.integer({ min: 0, max: 4 });
const eventType = fc.constantFrom(...EVENTS);

/** Effects, assigns of every form, and events that an action sends to its own machine. */
const action: fc.Arbitrary<Reference> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('note', 'add', 'double', 'remember') },
  { weight: 3, arbitrary: number.map((n) => ({ type: 'note', params: { n } })) },
  { weight: 3, arbitrary: number.map((n) => ({ type: 'add', params: { n } })) },
  { weight: 2, arbitrary: number.map((n) => ({ type: 'put', params: { n } })) },
  { weight: 1, arbitrary: number.map((n) => ({ type: 'note', params: { deep: { of: [{ n }] } } })) },
  { weight: 2, arbitrary: eventType.map((type) => ({ type: 'send', params: { type } })) },
);
const actions = fc.array(action, { maxLength: 4 });

const guard: fc.Arbitrary<Reference> = fc.oneof(
  fc.constantFrom('even', 'always', 'never'),
  number.map((n) => ({ type: 'atLeast', params: { n } })),
  eventType.map((type) => ({ type: 'isFor', params: { type } })),
);

function transition(names: readonly string[]): fc.Arbitrary<TransitionSpec> {
  // Without a target and actions it is a forbidden transition: `{}`.
  return fc.record({ target: fc.constantFrom(...names), guard, actions }, { requiredKeys: [] });
}

function state(names: readonly string[], name: string): fc.Arbitrary<StateSpec> {
  const answer = fc.oneof(
    transition(names),
    fc.array(transition(names), { maxLength: 3 }),
    fc.constantFrom(...names),
    fc.constant(undefined),
  );
  const atomic = fc.record(
    {
      entry: actions,
      exit: actions,
      on: fc.dictionary(fc.constantFrom(...DESCRIPTORS), answer, { noNullPrototype: true }),
    },
    { requiredKeys: ['on'] },
  );
  const final = fc.record(
    {
      type: fc.constant('final' as const),
      id: fc.constant(`the-end-${name}`),
      entry: actions,
      output: fc.constantFrom('constant' as const, 'computed' as const),
    },
    { requiredKeys: ['type'] },
  );
  return fc.oneof({ weight: 5, arbitrary: atomic }, { weight: 1, arbitrary: final });
}

export const machineSpec: fc.Arbitrary<MachineSpec> = fc.integer({ min: 1, max: 5 }).chain((count) => {
  const names = Array.from({ length: count }, (_, index) => `s${index}`);
  return fc.record(
    {
      initial: fc.constant('s0'),
      states: fc.record(Object.fromEntries(names.map((name) => [name, state(names, name)]))),
      output: fc.constantFrom('constant' as const, 'computed' as const),
      contextFromInput: fc.boolean(),
    },
    { requiredKeys: ['initial', 'states', 'contextFromInput'] },
  );
});

/** What a machine is sent in one run. */
export const eventSequence = fc.array(
  fc.record({
    type: eventType,
    payload: fc.integer({ min: 0, max: 3 }),
    error: fc.constant('gone'),
  }),
  { maxLength: 12 },
);

/** How often actions send to their own machine in one run: machines that do so for ever are cut short. */
const SENDS = 12;

export function makeMachine(spec: MachineSpec, note: Note): { machine: AnyStateMachine; input: unknown } {
  let sends = SENDS;
  const outputOf = (kind: 'constant' | 'computed' | undefined, whose: string) => {
    if (kind === undefined) return {};
    if (kind === 'constant') return { output: `${whose} is over` };
    return {
      output: ({ context, event }: { context: unknown; event: unknown }) => ({ whose, context, event }),
    };
  };
  const definition = {
    id: 'random',
    initial: spec.initial,
    context: spec.contextFromInput
      ? ({ input }: { input: { count: number } }) => ({ ...input, last: 'none' })
      : { count: 1, last: 'nothing' },
    ...outputOf(spec.output, 'the machine'),
    states: Object.fromEntries(
      Object.entries(spec.states).map(([name, { output, ...rest }]) => [
        name,
        { ...rest, ...outputOf(output, name) },
      ]),
    ),
  };
  const machine = setup({
    types: {
      context: {} as { count: number; last: string },
      events: {} as { type: string; payload?: number },
      input: {} as { count: number },
    },
    actions: {
      note: ({ context, event }, params) => note('effect', params, event, context),
      send: ({ self, context, event }, params) => {
        note('send', params, event, context);
        if (sends-- > 0) self.send({ type: (params as unknown as { type: string }).type, payload: sends });
      },
      add: assign(({ context, event }, params) => {
        note('add', params, event, context);
        return { count: context.count + ((params as { n: number } | undefined)?.n ?? 1) };
      }),
      double: assign({ count: ({ context }) => (context.count * 2) % 64 }),
      put: assign({ count: (_, params) => (params as unknown as { n: number }).n }),
      remember: assign({ last: ({ event }) => event.type, count: 3 }),
    },
    guards: {
      always: () => true,
      never: () => false,
      even: ({ context }) => context.count % 2 === 0,
      atLeast: ({ context }, params) => context.count >= (params as unknown as { n: number }).n,
      isFor: ({ event }, params) => event.type === (params as unknown as { type: string }).type,
    },
  }).createMachine(definition as never);
  return { machine: machine as unknown as AnyStateMachine, input: { count: 5 } };
}
