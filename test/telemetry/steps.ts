// The transitions of made-up connections.
import type { Transition } from '../../src/index.ts';

export function step(
  actor: string,
  from: string,
  event: string,
  to: string,
  at: number,
  more: Partial<Transition> = {},
): Transition {
  return { machine: 'connection', actor, from, event, to, at, ...more };
}

/** A request that waits for a slot and is answered, 10 ms in all. */
export function* steps(actor: string): Generator<Transition> {
  yield step(actor, 'none', 'xstate.init', 'listening', 1_000);
  yield step(actor, 'listening', 'BYTES', 'reading-request', 1_001);
  yield step(actor, 'reading-request', 'REQUEST_COMPLETE', 'dispatching', 1_003);
  yield step(actor, 'dispatching', 'SLOT_AWAITED', 'dispatching', 1_003);
  yield step(actor, 'dispatching', 'SLOT_GRANTED', 'dispatching', 1_006);
  yield step(actor, 'dispatching', 'HANDLER_DONE', 'streaming-response', 1_008);
  yield step(actor, 'streaming-response', 'ANSWER_FLUSHED', 'closed', 1_010, {
    output: { outcome: 'answered' },
  });
}
