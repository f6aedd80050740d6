import type { ExecutionContext } from 'ava';
import type { StartTelemetryOptions } from '../../src/telemetry/index.ts';
import { type Running, start } from '../../src/telemetry/start.ts';
import { type Collector, collector, TEST_ENVIRONMENT } from './collector.ts';

/** Telemetry that exports to a collector of its own. */
export interface WithCollector {
  readonly telemetry: Running;
  readonly to: Collector;
  readonly problems: string[];
}

export async function startWithCollector(
  t: ExecutionContext,
  options: StartTelemetryOptions,
  env: NodeJS.ProcessEnv,
): Promise<WithCollector> {
  const to = await collector(t);
  const problems: string[] = [];
  const telemetry = (await start(
    { endpoint: to.endpoint, onProblem: (message) => problems.push(message), ...options },
    { env: { ...TEST_ENVIRONMENT, ...env } },
  )) as Running;
  return { telemetry, to, problems };
}
