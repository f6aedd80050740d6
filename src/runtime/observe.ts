import type { ActorLogic, EventObject, Snapshot } from 'xstate';
import type { Transport } from '../machines/observer.ts';
import type { Transition } from '../machines/transition.ts';
import { reasonOf } from './errors.ts';

/** What requests go through here, as observers are told. */
export const TRANSPORT: Transport = process.platform === 'win32' ? 'pipe' : 'unix';

/** Looked up once: as a global it is a getter, which each transition would call. */
const { performance } = globalThis;

/** Is told of one transition. `at`: `performance.now()` when the event was taken up, before what it set off. */
export type Tell<TSnapshot> = (from: string, event: EventObject, next: TSnapshot, at: number) => void;

/**
 * Wraps a machine's logic, interpreted or compiled, so that each of its transitions is told. While `somebodyListens` says
 * no for an actor, the logic is used as it is, and no time is taken.
 */
export function observed<TSnapshot extends Snapshot<unknown>, TEvent extends EventObject, TInput>(
  logic: ActorLogic<TSnapshot, TEvent, TInput>,
  somebodyListens: (snapshot: TSnapshot) => boolean,
  tell: Tell<TSnapshot>,
): ActorLogic<TSnapshot, TEvent, TInput> {
  return {
    transition(snapshot, event, scope) {
      if (!somebodyListens(snapshot)) return logic.transition(snapshot, event, scope);
      // Taken before the transition, for its actions run within it.
      const at = performance.now();
      const next = logic.transition(snapshot, event, scope);
      tell(valueOf(snapshot), event, next, at);
      return next;
    },
    getInitialSnapshot(scope, input) {
      const snapshot = logic.getInitialSnapshot(scope, input);
      // Nothing has run yet: the initial states have no entry actions.
      if (somebodyListens(snapshot)) tell('none', { type: 'xstate.init' }, snapshot, performance.now());
      return snapshot;
    },
    getPersistedSnapshot: (snapshot, options) => logic.getPersistedSnapshot(snapshot, options),
    start: (snapshot, scope) => logic.start?.(snapshot, scope),
  };
}

/** What `onTransition` is given. */
export function transitionOf(
  machine: Transition['machine'],
  actor: string,
  ...[from, event, next, at]: Parameters<Tell<Snapshot<unknown>>>
): Transition {
  const reason = reasonIn(event);
  return {
    machine,
    actor,
    from,
    event: event.type,
    to: valueOf(next),
    at: performance.timeOrigin + at,
    ...(reason === undefined ? undefined : { reason }),
    ...(next.status === 'done' ? { output: next.output } : undefined),
  };
}

/** Guards observers: what one throws is reported once as a warning, and breaks nothing. */
export function guarded<Args extends unknown[]>(
  observer: (...args: Args) => void,
  name: string,
): (...args: Args) => void {
  let warned = false;
  return (...args) => {
    try {
      observer(...args);
    } catch (error) {
      if (warned) return;
      warned = true;
      process.emitWarning(
        `${name} threw, and will not be reported again: ${reasonOf(error)}. Serving goes on.`,
        'SimpleIpcWarning',
      );
    }
  };
}

let told = false;

/** An observer of telemetry threw: that is reported once, and it is asked no more. */
export function observerFailed(error: unknown): undefined {
  if (told) return;
  told = true;
  process.emitWarning(
    `An observer of telemetry threw, and will not be reported again: ${reasonOf(error)}. What it observed goes on, unobserved.`,
    'SimpleIpcWarning',
  );
}

export function valueOf(snapshot: Snapshot<unknown>): string {
  return String((snapshot as Snapshot<unknown> & { readonly value: unknown }).value);
}

function reasonIn(event: EventObject): string | undefined {
  const { reason, limit, error } = event as EventObject & {
    reason?: unknown;
    limit?: string;
    error?: unknown;
  };
  if (reason !== undefined) return reasonOf(reason);
  if (limit !== undefined) return limit;
  return error === undefined ? undefined : reasonOf(error);
}
