import type { Transition } from '../machines/transition.ts';
import { ConnectionTrace, type RequestReport } from './connection-trace.ts';

/** The event by which a pool learns that a connection's actor crashed; its name follows. */
export const CRASH = 'xstate.error.actor.';

/**
 * Makes an observer of a server's transitions that groups them by connection, and calls `onEnd` when one has ended. It
 * keeps nothing of connections that are over.
 */
export function collectRequests(onEnd: (report: RequestReport) => void): (transition: Transition) => void {
  const open = new Map<string, ConnectionTrace>();

  return (transition) => {
    const { machine, actor, event, at, reason } = transition;
    if (machine === 'connection') {
      const trace = open.get(actor);
      if (trace === undefined) open.set(actor, new ConnectionTrace(transition));
      else trace.step(transition);
      const outcome = outcomeOf(transition);
      if (outcome === undefined) return;
      const ended = open.get(actor) as ConnectionTrace;
      open.delete(actor);
      onEnd(ended.end(outcome, at, reason));
    } else if (event.startsWith(CRASH)) {
      const crashed = open.get(event.slice(CRASH.length));
      if (crashed === undefined) return;
      open.delete(crashed.connection);
      onEnd(crashed.end('crashed', at, reason));
    }
  };
}

/** How a connection ended, with the transition that ended it. */
function outcomeOf({ output }: Transition): string | undefined {
  return (output as { outcome?: string } | undefined)?.outcome;
}
