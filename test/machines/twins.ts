/** Runs a machine in each way, interpreted, compiled and written out as code, and notes all that can be seen of each. */
import { type AnyActorLogic, type AnyStateMachine, createActor, type EventObject } from 'xstate';

import { compile } from '../../src/machines/compile.ts';
import type { Written } from '../../src/machines/implementations.ts';

export interface Seen {
  readonly value: unknown;
  readonly context: unknown;
  readonly status: string;
  readonly output: unknown;
  readonly error: unknown;
}

/** Notes what an action or effect saw. What is noted is copied, for it may change afterwards. */
export type Note = (...what: unknown[]) => void;

export interface Run {
  /** What was noted, in order: effects as they ran, and the snapshot that each event left. */
  readonly notes: readonly unknown[];
  readonly last: Seen;
}

/** A way to run a machine: what `createActor` is given for it. */
export type Way = (machine: AnyStateMachine) => AnyActorLogic;

export const interpreted: Way = (machine) => machine;
export const compiled: Way = (machine) => compile(machine);
export const writtenOut =
  (transitions: Written): Way =>
  (machine) =>
    compile(machine, transitions);

/**
 * Makes the machine anew, with its effects noting, runs it, and sends it the events. `next` gives each of them, seeing
 * the snapshot before it and the notes so far, and nothing when it is enough.
 */
export function run(
  way: Way,
  make: (note: Note) => { readonly machine: AnyStateMachine; readonly input?: unknown },
  next: (seen: Seen, index: number, notes: readonly unknown[]) => EventObject | undefined,
): Run {
  const notes: unknown[] = [];
  const note: Note = (...what) => notes.push(structuredClone(what));
  const { machine, input } = make(note);
  const actor = createActor(way(machine), { input });
  const seen = (): Seen => {
    const { value, context, status, output, error } = actor.getSnapshot() as Seen;
    return { value, context: visible(context), status, output: visible(output), error: describe(error) };
  };
  note('made', seen());
  actor.subscribe({
    error: (error) => note('error', describe(error)),
    complete: () => note('complete'),
  });
  actor.start();
  note('started', seen());
  for (let index = 0; ; index++) {
    const event = next(seen(), index, notes);
    if (event === undefined) break;
    actor.send(event);
    note('after', event.type, seen());
  }
  const last = seen();
  actor.stop();
  note('stopped', seen());
  return { notes, last };
}

/** What can be cloned and compared: no effects, no functions, no errors by identity. */
function visible(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'effects');
  return Object.fromEntries(
    entries.map(([key, entry]) => [key, entry instanceof Error ? describe(entry) : entry]),
  );
}

function describe(error: unknown): unknown {
  return error instanceof Error ? `${error.name}: ${error.message}` : error;
}
