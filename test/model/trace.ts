import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Transition } from '../../src/index.ts';
import { connectionMachine } from '../../src/machines/connection.ts';
import { PHASES } from '../../src/telemetry/facts.ts';

const STATES: ReadonlySet<string> = new Set(Object.keys(connectionMachine.config.states ?? {}));

/** Whether some event of the machine leads from one state to another. */
function leadsTo(from: string, to: string): boolean {
  const definition = (connectionMachine.config.states as Record<string, { on?: Record<string, unknown> }>)[
    from
  ];
  return Object.values(definition?.on ?? {})
    .flat()
    .some((taken) => (typeof taken === 'string' ? taken : (taken as { target?: string }).target) === to);
}

/**
 * What is wrong with the trace of a connection, by the machine and by the connection's transitions: nothing, where its
 * phases are the states it went through, a path of the machine, at the times of the transitions.
 */
export function wrongWith(spans: readonly ReadableSpan[], trail: readonly Transition[]): string[] {
  const states = trail.filter(({ from, to }) => from !== to && to !== 'listening');
  const spoke = states.some(({ to }) => to === 'reading-request');
  if (!spoke || trail.at(-1)?.to !== 'closed')
    return spans.length === 0 ? [] : [`${spans.length} spans of a connection that made no request`];
  const [span] = spans;
  if (span === undefined || spans.length > 1) return [`${spans.length} spans of one request`];

  const wrong: string[] = [];
  const expect = (what: string, actual: unknown, expected: unknown) => {
    if (actual !== expected) wrong.push(`${what} is ${String(actual)}, not ${String(expected)}`);
  };
  const phases = span.events.filter(({ name }) => STATES.has(name));
  const path = ['listening', ...phases.map(({ name }) => name), 'closed'];
  expect('the path', path.slice(1).join(' '), states.map(({ to }) => to).join(' '));
  path.slice(1).forEach((to, index) => {
    const from = path[index] as string;
    if (!leadsTo(from, to)) wrong.push(`no event leads from ${from} to ${to}`);
  });
  const { outcome } = (trail.at(-1) as Transition).output as { outcome: string };
  // Every handler of these runs that fails throws an error, and its exception stands behind the phases.
  const names = span.events.map(({ name }) => name);
  const exceptions = outcome === 'handler-failed' ? names.splice(-1) : [];
  expect('the exception', exceptions.join(), outcome === 'handler-failed' ? 'exception' : '');
  const order = names.map((name) => (PHASES.server as readonly string[]).indexOf(name));
  expect('the order', order.join(), order.toSorted((a, b) => a - b).join());
  states.forEach(({ to, at }, index) => {
    const time = to === 'closed' ? span.endTime : phases[index]?.time;
    if (time === undefined) return;
    expect(`the time of ${to}`, Math.round(time[0] * 1e6 + time[1] / 1e3), Math.round(at * 1e3));
  });
  expect('the outcome', span.attributes['simple_ipc.outcome'], outcome);
  return wrong;
}
