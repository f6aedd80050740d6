import { type Attributes, type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { ATTRIBUTES, SYSTEM } from './conventions.ts';
import { NEVER, PHASES, type RequestFacts } from './facts.ts';

type Known = Pick<RequestFacts, 'side' | 'path' | 'transport' | 'method'>;

/** The name of a span: its method, else the system. */
export function spanName({ method }: Pick<Known, 'method'>): string {
  return method ?? SYSTEM;
}

export function spanKind({ side }: Pick<Known, 'side'>): SpanKind {
  return side === 'server' ? SpanKind.SERVER : SpanKind.CLIENT;
}

/** What a sampler sees. */
export function creationAttributes({ path, transport, method }: Known): Attributes {
  return {
    [ATTRIBUTES.system.name]: SYSTEM,
    ...(method === undefined ? undefined : { [ATTRIBUTES.method.name]: method }),
    [ATTRIBUTES.address.name]: path,
    [ATTRIBUTES.transport.name]: transport,
  };
}

/**
 * Adds what is known at the end: sizes, outcome, the times of the phases; and ends the span. `epoch` makes a time of
 * `performance.now()` one since the epoch.
 */
export function finishSpan(span: Span, facts: RequestFacts, epoch: (at: number) => number): void {
  span.setAttributes({
    [ATTRIBUTES.requestBytes.name]: facts.requestBytes,
    [ATTRIBUTES.requestPackets.name]: facts.requestPackets,
    [ATTRIBUTES.responseBytes.name]: facts.responseBytes,
    [ATTRIBUTES.responsePackets.name]: facts.responsePackets,
  });
  if (facts.side === 'server') {
    span.setAttribute(ATTRIBUTES.outcome.name, facts.outcome);
    if (facts.connection !== undefined) span.setAttribute(ATTRIBUTES.connection.name, `c${facts.connection}`);
  }
  PHASES[facts.side].forEach((phase, index) => {
    const at = facts.times[index] as number;
    if (at > NEVER) span.addEvent(phase, epoch(at));
  });
  if (facts.failure !== undefined) {
    span.setAttribute(ATTRIBUTES.errorType.name, facts.failure.type);
    span.setStatus({ code: SpanStatusCode.ERROR, message: facts.failure.message });
    if (facts.thrown !== undefined) span.recordException(facts.thrown, epoch(facts.endedAt));
  }
  span.end(epoch(facts.endedAt));
}
