import type { ActorLogic, EventObject, Snapshot } from 'xstate';
import type { Transition } from '../machines/transition.ts';
import { reasonOf } from './errors.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- any snapshot that has a value: a machine's or a compiled one's
type MachineSnapshot = Snapshot<any> & { readonly value: unknown };

/**
 * Wraps a machine's logic, interpreted or compiled, so that each of its transitions is told to `emit`. Without anybody to
 * tell, the logic is used as it is, and no time is taken.
 */
export function observed<TSnapshot extends Snapshot<unknown>, TEvent extends EventObject, TInput>(
  logic: ActorLogic<TSnapshot, TEvent, TInput>,
  machine: Transition['machine'],
  emit: ((transition: Transition) => void) | undefined,
  nameOf: (snapshot: TSnapshot) => string,
): ActorLogic<TSnapshot, TEvent, TInput> {
  if (emit === undefined) return logic;

  const tell = (from: string, event: EventObject, next: TSnapshot, at: number) => {
    const reason = reasonIn(event);
    emit({
      machine,
      actor: nameOf(next),
      from,
      event: event.type,
      to: valueOf(next),
      at,
      ...(reason === undefined ? undefined : { reason }),
      ...(next.status === 'done' ? { output: next.output } : undefined),
    });
  };

  return {
    transition(snapshot, event, scope) {
      // Taken before the transition, for its actions run within it.
      const at = now();
      const next = logic.transition(snapshot, event, scope);
      tell(valueOf(snapshot), event, next, at);
      return next;
    },
    getInitialSnapshot(scope, input) {
      const at = now();
      const snapshot = logic.getInitialSnapshot(scope, input);
      tell('none', { type: 'xstate.init' }, snapshot, at);
      return snapshot;
    },
    getPersistedSnapshot: (snapshot, options) => logic.getPersistedSnapshot(snapshot, options),
    start: (snapshot, scope) => logic.start?.(snapshot, scope),
  };
}

/** Guards observers: what one throws is reported once as a warning, and breaks nothing. */
export function guarded(observer: (transition: Transition) => void): (transition: Transition) => void {
  let warned = false;
  return (transition) => {
    try {
      observer(transition);
    } catch (error) {
      if (warned) return;
      warned = true;
      process.emitWarning(
        `An onTransition observer threw, and will not be reported again: ${reasonOf(error)}. Serving goes on.`,
        'SimpleIpcWarning',
      );
    }
  };
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

function valueOf(snapshot: Snapshot<unknown>): string {
  return String((snapshot as MachineSnapshot).value);
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
