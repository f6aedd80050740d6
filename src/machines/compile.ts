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

/** Something in a definition that `compile` does not take. The message names it and the state it stands in. */
export class CompileError extends Error {}
Object.defineProperty(CompileError.prototype, 'name', { value: 'CompileError', configurable: true, writable: true });

interface Args {
  context: object;
  readonly event: EventObject;
  readonly self: unknown;
  readonly system: unknown;
}
type Params = unknown;
type Resolved<TResult> = { readonly run: (args: Args, params: Params) => TResult; readonly params: Params };
/** An `assign` replaces the context; any other action is run for its effect. */
type Step =
  | ({ readonly kind: 'assign' } & Resolved<object>)
  | ({ readonly kind: 'effect' } & Resolved<void>);

interface Candidate {
  readonly guard: Resolved<boolean> | undefined;
  /** Exit actions, the transition's own, entry actions: in that order, as they run. */
  readonly steps: readonly Step[];
  readonly target: State;
}

interface State {
  readonly name: string;
  readonly entry: readonly Step[];
  readonly exit: readonly Step[];
  readonly final: boolean;
  readonly output: ((args: Args) => unknown) | undefined;
  /** Candidates by event type. Types that only wildcards match are looked up in `wildcards`. */
  readonly exact: Map<string, readonly Candidate[]>;
  /** Candidates by the prefix of a wildcard descriptor, the longest first; `''` is the bare `*`. */
  readonly wildcards: readonly (readonly [prefix: string, candidates: readonly Candidate[]])[];
}

/**
 * Turns a machine definition into actor logic with a transition table. It gives the same states, the same context and
 * the same actions in the same order as XState's interpreter, at a fraction of its cost; a property test holds the two
 * against each other.
 *
 * It takes flat states; `on` with a target, named guards and named actions; named entry and exit actions; `assign` as the
 * implementation of a named action; context and final output. Anything else is refused.
 *
 * @throws {CompileError} where the definition has something else.
 */
export function compile<TMachine extends AnyStateMachine>(machine: TMachine): CompiledLogic<TMachine> {
  const states = compileStates(machine);
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
      const from = states.get(snapshot.value) as State;
      const args: Args = { context: snapshot.context as object, event, self: scope.self, system: scope.system };
      const taken = select(from, event.type, args);
      if (taken === undefined) {
        // As XState: the failure of a child that nobody answers for is the failure of its parent.
        if (!event.type.startsWith('xstate.error.actor.')) return snapshot;
        const { error } = event as EventObject & { error: unknown };
        return { ...snapshot, status: 'error', error } as unknown as CompiledSnapshot<TMachine>;
      }
      for (const step of taken.steps) {
        if (step.kind === 'assign') args.context = { ...args.context, ...step.run(args, step.params) };
        else step.run(args, step.params);
      }
      if (taken.target === from && args.context === snapshot.context) return snapshot;
      return snapshotOf(taken.target, args);
    },
    getInitialSnapshot(scope: ActorScope<CompiledSnapshot<TMachine>, EventFromLogic<TMachine>>, input) {
      const args: Args = {
        context: {},
        event: { type: 'xstate.init', input } as EventObject,
        self: scope.self,
        system: scope.system,
      };
      args.context =
        typeof initialContext === 'function'
          ? initialContext({ input, self: scope.self, spawn: refuseSpawn })
          : { ...initialContext };
      for (const step of initial.entry) {
        if (step.kind === 'assign') args.context = { ...args.context, ...step.run(args, step.params) };
        else runAtStart(scope, step, { ...args });
      }
      return snapshotOf(initial, args);
    },
    getPersistedSnapshot: (snapshot) => snapshot,
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
  return rootOutput({ ...args, event: { type: `xstate.done.state.${state.name}`, output } });
}

// ---- Reading the definition. All of it happens once, in `compile`.

type Definition = Readonly<Record<string, unknown>>;

const ROOT_KEYS = new Set(['id', 'initial', 'context', 'states', 'output', 'description', 'version', 'types', 'meta']);
const STATE_KEYS = new Set(['type', 'on', 'entry', 'exit', 'output', 'description', 'meta', 'id']);
const TRANSITION_KEYS = new Set(['target', 'guard', 'actions', 'description', 'meta']);

function compileStates(machine: AnyStateMachine): Map<string, State> {
  const root = machine.config as Definition;
  refuseOthers(root, ROOT_KEYS, 'the root');
  const definitions = Object.entries((root['states'] ?? {}) as Record<string, Definition>);
  const states = new Map<string, State & { exact: Map<string, readonly Candidate[]> }>();
  const wildcardsOf = new Map<string, [string, readonly Candidate[]][]>();

  for (const [name, definition] of definitions) {
    const where = `state '${name}'`;
    refuseOthers(definition, STATE_KEYS, where);
    const type = definition['type'] ?? 'atomic';
    if (type !== 'atomic' && type !== 'final') {
      throw new CompileError(`${where} has the type '${String(type)}': a compiled machine has flat and final states only.`);
    }
    const wildcards: [string, readonly Candidate[]][] = [];
    wildcardsOf.set(name, wildcards);
    states.set(name, {
      name,
      entry: stepsOf(machine, definition['entry'], where),
      exit: stepsOf(machine, definition['exit'], where),
      final: type === 'final',
      output: outputOf(definition['output']),
      exact: new Map(),
      wildcards,
    });
  }
  if (!states.has(root['initial'] as string)) {
    throw new CompileError(`the root names no initial state among ${[...states.keys()].join(', ')}.`);
  }

  for (const [name, definition] of definitions) {
    const state = states.get(name) as State;
    const wildcards = wildcardsOf.get(name) as [string, readonly Candidate[]][];
    for (const [descriptor, transitions] of Object.entries((definition['on'] ?? {}) as Definition)) {
      const candidates = toArray(transitions).map((transition) => candidateOf(machine, states, state, transition, descriptor));
      if (descriptor === '*') wildcards.push(['', candidates]);
      else if (descriptor.endsWith('.*')) wildcards.push([descriptor.slice(0, -2), candidates]);
      else if (descriptor.includes('*')) throw new CompileError(`state '${name}' answers '${descriptor}': a wildcard ends its descriptor.`);
      else state.exact.set(descriptor, candidates);
    }
    wildcards.sort(([a], [b]) => b.length - a.length);
  }
  return states;
}

function candidateOf(
  machine: AnyStateMachine,
  states: ReadonlyMap<string, State>,
  source: State,
  transition: unknown,
  descriptor: string,
): Candidate {
  const where = `'${descriptor}' in state '${source.name}'`;
  const definition = (typeof transition === 'string' ? { target: transition } : (transition ?? {})) as Definition;
  refuseOthers(definition, TRANSITION_KEYS, where);
  const named = definition['target'];
  const target = named === undefined ? source : states.get(named as string);
  if (target === undefined) throw new CompileError(`${where} has the target '${String(named)}', which is no state of this machine.`);
  const own = stepsOf(machine, definition['actions'], where);
  return {
    guard: guardOf(machine, definition['guard'], where),
    steps: target === source ? own : [...source.exit, ...own, ...target.entry],
    target,
  };
}

function stepsOf(machine: AnyStateMachine, actions: unknown, where: string): Step[] {
  return toArray(actions).map((action) => {
    const { type, params } = named(action, 'action', where);
    const implementation = machine.implementations.actions[type] as
      | (((args: Args, params: Params) => void) & { type?: string; assignment?: unknown; resolve?: unknown })
      | undefined;
    if (implementation === undefined) throw new CompileError(`${where} names the action '${type}', which has no implementation.`);
    if (implementation.type === 'xstate.assign') return { kind: 'assign', run: assignment(implementation.assignment), params };
    if (implementation.resolve !== undefined) {
      throw new CompileError(`${where} uses the action '${type}', which is XState's '${implementation.type}': only assign can be compiled.`);
    }
    return { kind: 'effect', run: implementation, params };
  });
}

function assignment(given: unknown): (args: Args, params: Params) => object {
  if (typeof given === 'function') return given as (args: Args, params: Params) => object;
  const properties = Object.entries(given as Record<string, unknown>);
  return (args, params) => {
    const update: Record<string, unknown> = {};
    for (const [key, value] of properties) update[key] = typeof value === 'function' ? value(args, params) : value;
    return update;
  };
}

function guardOf(machine: AnyStateMachine, guard: unknown, where: string): Resolved<boolean> | undefined {
  if (guard === undefined) return undefined;
  const { type, params } = named(guard, 'guard', where);
  const implementation = machine.implementations.guards[type] as
    | (((args: Args, params: Params) => boolean) & { check?: unknown })
    | undefined;
  if (implementation === undefined) throw new CompileError(`${where} names the guard '${type}', which has no implementation.`);
  if (implementation.check !== undefined) throw new CompileError(`${where} uses the guard '${type}', which combines others: write it out.`);
  return { run: implementation, params };
}

function named(reference: unknown, kind: string, where: string): { type: string; params: Params } {
  if (typeof reference === 'string') return { type: reference, params: undefined };
  if (typeof reference === 'function') throw new CompileError(`${where} has an inline ${kind}: give it a name in setup().`);
  const { type, params } = reference as { type: string; params?: Params };
  if (typeof params === 'function') throw new CompileError(`${where} computes the parameters of the ${kind} '${type}': write them out.`);
  return { type, params };
}

function outputOf(output: unknown): ((args: Args) => unknown) | undefined {
  if (output === undefined) return undefined;
  return typeof output === 'function' ? (output as (args: Args) => unknown) : () => output;
}

function refuseOthers(definition: Definition, known: ReadonlySet<string>, where: string): void {
  for (const [key, value] of Object.entries(definition)) {
    if (value !== undefined && !known.has(key)) {
      throw new CompileError(`${where} has '${key}', which a compiled machine cannot have. Run it interpreted, or leave it out.`);
    }
  }
}

function toArray(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
