import type { ConnectionOutput, Transition } from '../index.ts';
import { IN_ORDER } from '../telemetry/facts.ts';
import { printable } from '../telemetry/format.ts';
import { thrownBehind } from '../telemetry/thrown.ts';
import { say } from './messages.ts';

/** An observer that says why requests fail: their clients see no more than a connection that is closed. */
export function reportFailures(): (transition: Transition) => void {
  const sayRefusal = sparingly();
  return ({ machine, actor, event, output, reason }) => {
    if (output !== undefined && machine === 'connection') {
      const { outcome, reason: error } = output as ConnectionOutput;
      if (!IN_ORDER.has(outcome))
        say(`${actor} ${outcome}: ${printable(reason || 'no reason is known')}${placeOf(error)}`);
    } else if (event === 'ACCEPT_FAILED') {
      sayRefusal(printable(reason ?? 'A connection could not be accepted.'));
    } else if (event.startsWith('xstate.error.')) {
      say(
        `${actor === 'pool' ? event.slice(event.lastIndexOf('.') + 1) : actor} crashed: ${printable(reason ?? '')}`,
      );
    }
  };
}

/** Where this program's own code is. */
const OWN = new URL('..', import.meta.url).href;

/**
 * Where a handler threw, as its stack has it: the innermost function that is not of Node.js. Nothing where that is one of
 * this program, whose messages say all.
 */
function placeOf(error: Error | undefined): string {
  const thrown = thrownBehind(error);
  if (thrown?.stack === undefined) return '';
  // Behind the message, which may have lines that look like a stack's.
  const frames = thrown.stack.slice(thrown.stack.indexOf(thrown.message) + thrown.message.length).split('\n');
  const place = frames.find((frame) => /^ +at .*:\d+\)?$/u.test(frame) && !/\bnode:/u.test(frame));
  return place === undefined || place.includes(OWN) ? '' : `, ${printable(place.trim())}`;
}

/** How often the same trouble is worth a line, in milliseconds. */
const INTERVAL = 10_000;

/** Says the first, and then for a while only counts: what turns clients away does so many times a second. */
function sparingly(): (message: string) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return (message) => {
    const now = performance.now();
    if (now - saidAt < INTERVAL) {
      unsaid++;
      return;
    }
    say(unsaid === 0 ? message : `${message} (So were ${unsaid} before it.)`);
    saidAt = now;
    unsaid = 0;
  };
}
