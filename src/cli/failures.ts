import type { ConnectionOutput, Transition } from '../index.ts';
import { printable } from '../telemetry/format.ts';
import { say } from './messages.ts';

type Outcome = ConnectionOutput['outcome'];

/** Ends that are in order, or the client's own doing. */
const UNREMARKABLE: ReadonlySet<Outcome> = new Set(['answered', 'pinged', 'hung-up', 'refused']);

/** An observer that says why requests fail: their clients see no more than a connection that is closed. */
export function reportFailures(): (transition: Transition) => void {
  return ({ machine, actor, event, output, reason }) => {
    if (output !== undefined && machine === 'connection') {
      const { outcome } = output as ConnectionOutput;
      if (!UNREMARKABLE.has(outcome))
        say(`${actor} ${outcome}: ${printable(reason ?? 'no reason is known')}`);
    } else if (event === 'ACCEPT_FAILED') {
      say(printable(reason ?? 'A connection could not be accepted.'));
    } else if (event.startsWith('xstate.error.')) {
      say(
        `${actor === 'pool' ? event.slice(event.lastIndexOf('.') + 1) : actor} crashed: ${printable(reason ?? '')}`,
      );
    }
  };
}
