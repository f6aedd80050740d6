import type { ServeOptions, Transition } from '../index.ts';
import { startTracing, type TraceFlags } from './tracing.ts';

/** What says how a server is observed: `--events`, and the flags of traces. */
export interface ObserveFlags extends TraceFlags {
  readonly events?: string | undefined;
}

/** What observes a server of this command, until it is closed. */
export interface Observing {
  readonly options: Pick<ServeOptions, 'onTransition' | 'telemetry'>;
  /** Writes and exports what is left, within a bound. */
  close(): Promise<void>;
}

/** Says why requests fail, and starts what the flags ask for. `more`: what else is told of transitions. */
export async function startObserving(
  { events, ...flags }: ObserveFlags,
  tracingOptions: Parameters<typeof startTracing>[1],
  more: readonly ((transition: Transition) => void)[] = [],
): Promise<Observing> {
  const { reportFailures } = await import('./failures.ts');
  const sink = events === undefined ? undefined : await (await import('./events.ts')).openEvents(events);
  const tracing = await startTracing(flags, tracingOptions);
  const observers = [reportFailures(), ...(sink === undefined ? [] : [sink.write]), ...more];
  return {
    options: {
      ...(tracing === undefined ? undefined : { telemetry: tracing.telemetry }),
      onTransition: (transition) => observers.forEach((observe) => observe(transition)),
    },
    async close() {
      await Promise.all([sink?.close(), tracing?.close()]);
    },
  };
}
