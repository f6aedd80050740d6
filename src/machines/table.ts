import type { AnyStateMachine } from 'xstate';
import { type Args, CompileError, guardOf, type Resolved, type Step, stepsOf } from './implementations.ts';

export interface Candidate {
  readonly guard: Resolved<boolean> | undefined;
  /** Exit actions, the transition's own, entry actions: in that order, as they run. */
  readonly steps: readonly Step[];
  readonly target: State;
}

export interface State {
  readonly name: string;
  /** XState's, which the event that a machine's output sees is named after. */
  readonly id: string;
  readonly entry: readonly Step[];
  readonly exit: readonly Step[];
  readonly final: boolean;
  readonly output: ((args: Args) => unknown) | undefined;
  /** Candidates by event type. Types that only wildcards match are looked up in `wildcards`. */
  readonly exact: Map<string, readonly Candidate[]>;
  /** Candidates by the prefix of a wildcard descriptor, the longest first; `''` is the bare `*`. */
  readonly wildcards: (readonly [prefix: string, candidates: readonly Candidate[]])[];
}

type Definition = Readonly<Record<string, unknown>>;

const ROOT_KEYS = new Set([
  'id',
  'initial',
  'context',
  'states',
  'output',
  'description',
  'version',
  'types',
  'meta',
]);
const STATE_KEYS = new Set(['type', 'on', 'entry', 'exit', 'output', 'description', 'meta', 'id']);
const TRANSITION_KEYS = new Set(['target', 'guard', 'actions', 'description', 'meta']);

/**
 * Reads a definition, once: its states by name.
 *
 * @throws {CompileError} where it has something that a compiled machine cannot have.
 */
export function readStates(machine: AnyStateMachine): Map<string, State> {
  const root = machine.config as Definition;
  refuseOthers(root, ROOT_KEYS, 'the root');
  const definitions = Object.entries((root['states'] ?? {}) as Record<string, Definition>);
  const states = new Map<string, State>();

  for (const [name, definition] of definitions) {
    const where = `state '${name}'`;
    refuseOthers(definition, STATE_KEYS, where);
    const type = definition['type'] ?? 'atomic';
    if (type !== 'atomic' && type !== 'final') {
      throw new CompileError(
        `${where} has the type '${String(type)}': a compiled machine has flat and final states only.`,
      );
    }
    if (type === 'final' && definition['exit'] !== undefined) {
      throw new CompileError(`${where} is final and has 'exit': what happens there last is an entry action.`);
    }
    states.set(name, {
      name,
      id: (definition['id'] as string | undefined) ?? `${machine.id}.${name}`,
      entry: stepsOf(machine, definition['entry'], where),
      exit: stepsOf(machine, definition['exit'], where),
      final: type === 'final',
      output: outputOf(definition['output']),
      exact: new Map(),
      wildcards: [],
    });
  }
  if (!states.has(root['initial'] as string)) {
    throw new CompileError(`the root names no initial state among ${[...states.keys()].join(', ')}.`);
  }

  // A transition refers to its target's entry actions, so this comes when all states are known.
  for (const [name, definition] of definitions) {
    readTransitions(machine, states, states.get(name) as State, (definition['on'] ?? {}) as Definition);
  }
  return states;
}

function readTransitions(
  machine: AnyStateMachine,
  states: ReadonlyMap<string, State>,
  state: State,
  on: Definition,
): void {
  for (const [descriptor, transitions] of Object.entries(on)) {
    // As XState: `undefined` is a forbidden transition, which the wildcards do not see.
    const candidates = (Array.isArray(transitions) ? transitions : [transitions]).map((transition) =>
      candidateOf(machine, states, state, transition, descriptor),
    );
    const prefix = descriptor === '*' ? '' : descriptor.replace(/\.\*$/, '');
    if (prefix.includes('*') || descriptor === '.*') {
      throw new CompileError(
        `state '${state.name}' answers '${descriptor}': a wildcard ends its descriptor.`,
      );
    }
    if (prefix === descriptor) state.exact.set(descriptor, candidates);
    else state.wildcards.push([prefix, candidates]);
  }
  state.wildcards.sort(([a], [b]) => b.length - a.length);
}

function candidateOf(
  machine: AnyStateMachine,
  states: ReadonlyMap<string, State>,
  source: State,
  transition: unknown,
  descriptor: string,
): Candidate {
  const where = `'${descriptor}' in state '${source.name}'`;
  const definition = (
    typeof transition === 'string' ? { target: transition } : (transition ?? {})
  ) as Definition;
  refuseOthers(definition, TRANSITION_KEYS, where);
  const named = definition['target'];
  if (Array.isArray(named))
    throw new CompileError(`${where} has several targets: name one, not in an array.`);
  const target = named === undefined ? source : states.get(named as string);
  if (target === undefined)
    throw new CompileError(`${where} has the target '${String(named)}', which is no state of this machine.`);
  const own = stepsOf(machine, definition['actions'], where);
  return {
    guard: guardOf(machine, definition['guard'], where),
    steps: target === source ? own : [...source.exit, ...own, ...target.entry],
    target,
  };
}

function outputOf(output: unknown): ((args: Args) => unknown) | undefined {
  if (output === undefined) return undefined;
  return typeof output === 'function' ? (output as (args: Args) => unknown) : () => output;
}

function refuseOthers(definition: Definition, known: ReadonlySet<string>, where: string): void {
  for (const [key, value] of Object.entries(definition)) {
    if (value !== undefined && !known.has(key)) {
      throw new CompileError(
        `${where} has '${key}', which a compiled machine cannot have. Run it interpreted, or leave it out.`,
      );
    }
  }
}
