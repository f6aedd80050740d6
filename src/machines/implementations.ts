import type { AnyStateMachine, EventObject } from 'xstate';

/** Something in a definition that `compile` does not take. The message names it and the state it stands in. */
export class CompileError extends Error {}
Object.defineProperty(CompileError.prototype, 'name', {
  value: 'CompileError',
  configurable: true,
  writable: true,
});

/** What actions, guards and outputs are given. One object a transition: an `assign` replaces its context. */
export interface Args {
  context: object;
  readonly event: EventObject;
  readonly self: unknown;
  readonly system: unknown;
}
export type Params = unknown;
/** An implementation, with the parameters that its place in the definition gives it. */
export type Resolved<TResult> = {
  readonly name: string;
  readonly run: (args: Args, params: Params) => TResult;
  readonly params: Params;
};
/** An `assign` gives the next context; any other action is run for its effect. */
export type Step =
  | ({ readonly kind: 'assign' } & Resolved<object>)
  | ({ readonly kind: 'effect' } & Resolved<void>);

/**
 * What a machine does at an event in a state: runs guards and actions, and gives the state that it comes to; nothing where
 * nobody answers the event.
 */
export type Take = (state: string, args: Args) => string | undefined;

/** An implementation by its name alone. */
export type Run<TResult> = (args: Args, params?: Params) => TResult;

/** `Take`, written out for one definition (see scripts/machines.ts), with what the names in it stand for. */
export type Written = (named: {
  effect(name: string): Run<void>;
  guard(name: string): Run<boolean>;
  /** Gives the next context. */
  assign(name: string): Run<object>;
  /** Gives the next value of one key of it. */
  assigned(name: string, key: string): Run<unknown>;
}) => Take;

/** The implementations that a machine has for the names in its definition. */
export function implementationsOf(machine: AnyStateMachine): Parameters<Written>[0] {
  const run = (name: string) => (stepsOf(machine, name, 'the code') as [Step])[0].run;
  return {
    effect: run as (name: string) => Run<void>,
    guard: (name) => (guardOf(machine, name, 'the code') as Resolved<boolean>).run,
    assign: run as (name: string) => Run<object>,
    assigned: (name, key) => assignmentOf(machine, name)?.[key] as Run<unknown>,
  };
}

/** What an `assign` says of each key; nothing where it is a function for all. */
export function assignmentOf(machine: AnyStateMachine, name: string): Record<string, unknown> | undefined {
  const { assignment: given } = machine.implementations.actions[name] as { assignment?: unknown };
  return typeof given === 'function' ? undefined : (given as Record<string, unknown>);
}

/** The actions that stand at one place of a definition. */
export function stepsOf(machine: AnyStateMachine, actions: unknown, where: string): Step[] {
  return toArray(actions).map((action) => {
    const { type, params } = named(action, 'action', where);
    const implementation = machine.implementations.actions[type] as
      | (((args: Args, params: Params) => void) & { type?: string; assignment?: unknown; resolve?: unknown })
      | undefined;
    if (implementation === undefined)
      throw new CompileError(`${where} names the action '${type}', which has no implementation.`);
    if (implementation.type === 'xstate.assign')
      return { kind: 'assign', name: type, run: assignment(implementation.assignment), params };
    if (implementation.resolve !== undefined) {
      throw new CompileError(
        `${where} uses the action '${type}', which is XState's '${implementation.type}': only assign can be compiled.`,
      );
    }
    return { kind: 'effect', name: type, run: implementation, params };
  });
}

/** Gives the next context. One copy, then a store for each key: spreading an update into it costs several times that. */
function assignment(given: unknown): (args: Args, params: Params) => object {
  if (typeof given === 'function') {
    const update = given as (args: Args, params: Params) => object;
    return (args, params) => Object.assign({ ...args.context }, update(args, params));
  }
  const properties = Object.entries(given as Record<string, unknown>);
  return (args, params) => {
    const context: Record<string, unknown> = { ...args.context };
    for (const [key, value] of properties)
      context[key] = typeof value === 'function' ? value(args, params) : value;
    return context;
  };
}

/** The guard that stands at one place of a definition. */
export function guardOf(
  machine: AnyStateMachine,
  guard: unknown,
  where: string,
): Resolved<boolean> | undefined {
  if (guard === undefined) return undefined;
  const { type, params } = named(guard, 'guard', where);
  const implementation = machine.implementations.guards[type] as
    | (((args: Args, params: Params) => boolean) & { check?: unknown })
    | undefined;
  if (implementation === undefined)
    throw new CompileError(`${where} names the guard '${type}', which has no implementation.`);
  if (typeof implementation !== 'function') {
    throw new CompileError(`${where} uses the guard '${type}', which refers to another: name that one.`);
  }
  if (implementation.check !== undefined)
    throw new CompileError(`${where} uses the guard '${type}', which combines others: write it out.`);
  return { name: type, run: implementation, params };
}

function named(reference: unknown, kind: string, where: string): { type: string; params: Params } {
  if (typeof reference === 'string') return { type: reference, params: undefined };
  if (typeof reference === 'function')
    throw new CompileError(`${where} has an inline ${kind}: give it a name in setup().`);
  const { type, params } = reference as { type: string; params?: Params };
  if (typeof params === 'function')
    throw new CompileError(`${where} computes the parameters of the ${kind} '${type}': write them out.`);
  return { type, params };
}

function toArray(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
