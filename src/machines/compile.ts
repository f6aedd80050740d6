import type {
  ActorLogic,
  ActorScope,
  AnyStateMachine,
  ContextFrom,
  EventFromLogic,
  EventObject,
  InputFrom,
  OutputFrom,
  Snapshot,
} from 'xstate';
import {
  type Args,
  CompileError,
  implementationsOf,
  type Step,
  type Take,
  type Written,
} from './implementations.ts';
import { type Candidate, readStates, type State } from './table.ts';

export { CompileError } from './implementations.ts';

/** What an actor of a compiled machine shows: as XState's machine snapshot, without its methods. */
export type CompiledSnapshot<TMachine extends AnyStateMachine> = Snapshot<OutputFrom<TMachine>> & {
  readonly value: string;
  readonly context: ContextFrom<TMachine>;
};

/** Logic that `createActor` runs in place of the machine it was compiled from. */
export type CompiledLogic<TMachine extends AnyStateMachine> = ActorLogic<
  CompiledSnapshot<TMachine>,
  EventFromLogic<TMachine>,
  InputFrom<TMachine>
>;

/**
 * Turns a machine definition into actor logic with a transition table. It gives the same states, the same context and
 * the same actions in the same order as XState's interpreter, at a fraction of its cost; a property test holds the two
 * against each other.
 *
 * It takes flat states; `on` with a target, named guards and named actions; named entry and exit actions; `assign` as the
 * implementation of a named action; context and final output. Anything else is refused.
 *
 * @param written - The same definition's transitions written out as code, which cost less than the table. What its assigns give
 *   is in the code: a machine that was provided with others is compiled without.
 * @throws {CompileError} where the definition has something else.
 */
export function compile<TMachine extends AnyStateMachine>(
  machine: TMachine,
  written?: Written,
): CompiledLogic<TMachine> {
  const states = readStates(machine);
  const take = written?.(implementationsOf(machine)) ?? byTable(states);
  const initial = states.get(machine.config.initial as string) as State;
  const rootOutput = machine.config.output as ((args: Args) => unknown) | object | undefined;
  const initialContext = machine.config.context as ((args: object) => object) | object | undefined;

  const snapshotOf = (state: State, args: Args): CompiledSnapshot<TMachine> => {
    const done = state.final;
    return {
      status: done ? 'done' : 'active',
      value: state.name,
      context: args.context,
      output: done ? finalOutput(state, rootOutput, args) : undefined,
      error: undefined,
    } as unknown as CompiledSnapshot<TMachine>;
  };

  return {
    transition(snapshot, event: EventObject, scope) {
      if (event.type === 'xstate.stop') {
        return { ...snapshot, status: 'stopped' } as unknown as CompiledSnapshot<TMachine>;
      }
      const args: Args = {
        context: snapshot.context as object,
        event,
        self: scope.self,
        system: scope.system,
      };
      const target = take(snapshot.value, args);
      if (target === undefined) {
        // As XState: the failure of a child that nobody answers for is the failure of its parent.
        if (!event.type.startsWith('xstate.error.actor')) return snapshot;
        const { error } = event as EventObject & { error: unknown };
        return { ...snapshot, status: 'error', error } as unknown as CompiledSnapshot<TMachine>;
      }
      if (target === snapshot.value && args.context === snapshot.context) return snapshot;
      return snapshotOf(states.get(target) as State, args);
    },
    getInitialSnapshot(scope: ActorScope<CompiledSnapshot<TMachine>, EventFromLogic<TMachine>>, input) {
      const { self, system } = scope;
      const context =
        typeof initialContext === 'function'
          ? initialContext({ input, self, spawn: refuseSpawn })
          : { ...initialContext };
      const args: Args = { context, event: { type: 'xstate.init', input } as EventObject, self, system };
      for (const step of initial.entry) {
        if (step.kind === 'assign') args.context = step.run(args, step.params);
        else runAtStart(scope, step, { ...args });
      }
      return snapshotOf(initial, args);
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };
}

function byTable(states: ReadonlyMap<string, State>): Take {
  return (state, args) => {
    const taken = select(states.get(state) as State, args.event.type, args);
    if (taken === undefined) return undefined;
    for (const step of taken.steps) {
      if (step.kind === 'assign') args.context = step.run(args, step.params);
      else step.run(args, step.params);
    }
    return taken.target.name;
  };
}

function select(state: State, type: string, args: Args): Candidate | undefined {
  const exact = state.exact.get(type);
  const taken = exact === undefined ? undefined : firstEnabled(exact, args);
  if (taken !== undefined) return taken;
  for (const [prefix, candidates] of state.wildcards) {
    if (!matchesPrefix(type, prefix)) continue;
    const wild = firstEnabled(candidates, args);
    if (wild !== undefined) return wild;
  }
  return undefined;
}

function firstEnabled(candidates: readonly Candidate[], args: Args): Candidate | undefined {
  for (const candidate of candidates) {
    if (candidate.guard === undefined || candidate.guard.run(args, candidate.guard.params)) return candidate;
  }
  return undefined;
}

/** As XState's descriptors: `a.b.*` matches `a.b`, `a.b.c` and `a.b.c.d`, not `a.bc`. */
function matchesPrefix(type: string, prefix: string): boolean {
  if (prefix === '') return true;
  return type.startsWith(prefix) && (type.length === prefix.length || type[prefix.length] === '.');
}

/** Effects of the initial state wait until the actor is started, as XState's do. */
function runAtStart(scope: { actionExecutor: (action: never) => void }, step: Step, args: Args): void {
  const action = { type: 'entry', info: args, params: step.params, exec: step.run };
  scope.actionExecutor(action as never);
}

function refuseSpawn(): never {
  throw new CompileError('A compiled machine spawns no actor in its context: create it in an action.');
}

function finalOutput(state: State, rootOutput: unknown, args: Args): unknown {
  if (typeof rootOutput !== 'function') return rootOutput;
  const output = state.output?.(args);
  const { context, self, system } = args;
  return rootOutput({ context, event: { type: `xstate.done.state.${state.id}`, output }, self, system });
}
