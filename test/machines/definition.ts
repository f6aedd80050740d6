/** Looks at what a machine's definition says, state by state. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

export interface Answer {
  readonly target: string | undefined;
  readonly guard: string | undefined;
  readonly actions: readonly { readonly type: string; readonly params?: unknown }[];
}

function nodeOf(machine: AnyStateMachine, state: string): AnyStateNode {
  const node = machine.states[state] as AnyStateNode | undefined;
  if (node === undefined) throw new Error(`there is no state ${state}`);
  return node;
}

/** The events, or wildcards, that a state has an entry for. */
export function eventsOf(machine: AnyStateMachine, state: string): string[] {
  return [...nodeOf(machine, state).transitions.keys()];
}

/** What a state does at an event, candidate by candidate; nothing where it has no entry. */
export function answersTo(machine: AnyStateMachine, state: string, event: string): Answer[] {
  const transitions = nodeOf(machine, state).transitions.get(event) ?? [];
  return transitions.map(({ target, guard, actions }) => ({
    target: target?.[0]?.key,
    guard: typeof guard === 'string' ? guard : undefined,
    actions: actions.map((action) =>
      typeof action === 'string'
        ? { type: action }
        : (action as unknown as { type: string; params?: unknown }),
    ),
  }));
}

export function isImpossible(machine: AnyStateMachine, state: string, event: string): boolean {
  return answersTo(machine, state, event).some(({ actions }) =>
    actions.some(({ type }) => type === 'unexpected'),
  );
}

/** What of the definition is no flat state, or waits by itself: invokes, delays, regions, eventless transitions. */
export function beyondTheSubset(machine: AnyStateMachine): string[] {
  return Object.values(machine.states as Record<string, AnyStateNode>).flatMap((node) => {
    const found: string[] = [];
    if (node.invoke.length > 0) found.push(`${node.key} invokes`);
    if (node.after.length > 0) found.push(`${node.key} has a delay`);
    if (node.always !== undefined) found.push(`${node.key} moves on by itself`);
    if (node.type !== 'atomic' && node.type !== 'final') found.push(`${node.key} is ${node.type}`);
    return found;
  });
}
