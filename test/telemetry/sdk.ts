import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { eventually } from '../support/serving.ts';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

/** The stock SDK, whose spans and metrics stay in memory. */
export interface MemorySdk {
  readonly tracerProvider: TracerProvider;
  readonly meterProvider: MeterProvider;
  /** Resolves with all spans when there are so many. */
  spans(count: number): Promise<readonly ReadableSpan[]>;
  /** The points of a metric, as they are now. */
  points(name: string): Promise<{ attributes: Record<string, unknown>; value: unknown }[]>;
}

export function memorySdk(sampler?: Sampler): MemorySdk {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    ...(sampler === undefined ? undefined : { sampler }),
  });
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: 3_600_000,
  });
  const meterProvider = new MeterProvider({ readers: [reader] });
  return {
    tracerProvider,
    meterProvider,
    async spans(count) {
      await eventually(() => exporter.getFinishedSpans().length >= count, `${count} spans`);
      return exporter.getFinishedSpans();
    },
    async points(name) {
      metricExporter.reset();
      await meterProvider.forceFlush();
      return metricExporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap((scope) => scope.metrics)
        .filter((metric) => metric.descriptor.name === name)
        .flatMap((metric) => metric.dataPoints as { attributes: Record<string, unknown>; value: unknown }[]);
    },
  };
}

/** A time as the SDK keeps it, in milliseconds since the epoch. */
export function milliseconds([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
