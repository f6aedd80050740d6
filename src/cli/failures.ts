import type { ConnectionOutput, Transition } from '../index.ts';
import { IN_ORDER } from '../telemetry/facts.ts';
import { printable } from '../telemetry/format.ts';
import { say } from './messages.ts';

/** An observer that says why requests fail: their clients see no more than a connection that is closed. */
export function reportFailures(): (transition: Transition) => void {
  return ({ machine, actor, event, output, reason }) => {
    if (output !== undefined && machine === 'connection') {
      const { outcome } = output as ConnectionOutput;
      if (!IN_ORDER.has(outcome)) say(`${actor} ${outcome}: ${printable(reason ?? 'no reason is known')}`);
    } else if (event === 'ACCEPT_FAILED') {
      say(printable(reason ?? 'A connection could not be accepted.'));
    } else if (event.startsWith('xstate.error.')) {
      say(
        `${actor === 'pool' ? event.slice(event.lastIndexOf('.') + 1) : actor} crashed: ${printable(reason ?? '')}`,
      );
    }
  };
}
