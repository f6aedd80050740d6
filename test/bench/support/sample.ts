import { makeHistogram } from '../../../bench/histogram.ts';
import type { Round } from '../../../bench/aggregate.ts';
import type { Sample, Scenario, ServerName } from '../../../bench/types.ts';

/** A sample in which nothing happened, but for what is said. */
export function sampleOf(said: Partial<Sample> = {}): Sample {
  return {
    requests: 0,
    errors: 0,
    errorKinds: {},
    elapsed: 1_000_000,
    connect: makeHistogram(),
    firstByte: makeHistogram(),
    lastByte: makeHistogram(),
    bytesSent: 0,
    bytesReceived: 0,
    serverCpu: undefined,
    serverThreadCpu: undefined,
    rss: undefined,
    generatorBusy: 0,
    counted: {},
    slowest: [],
    ...said,
  };
}

export function scenarioOf(said: Partial<Scenario> = {}): Scenario {
  return {
    name: 'ping-8',
    title: 'Eight clients ask and are answered.',
    kind: 'load',
    generator: 'c',
    servers: ['node:net', 'simple-ipc', 'git'],
    baseline: 'node:net',
    load: {
      connections: 8,
      idle: 0,
      requestBytes: 4,
      answerBytes: 4,
      rate: 0,
      duration: 5_000,
      amount: 0,
      warmUp: 1_000,
      readRate: 0,
      sleeps: true,
    },
    fresh: false,
    figures: ['requests a second', 'CPU a request', 'p99'],
    ...said,
  };
}

/** A round of servers that have a connection for each request. */
export function roundOf(samples: Partial<Record<ServerName, Sample>>): Round {
  return new Map(
    Object.entries(samples).map(([name, sample]) => [
      name as ServerName,
      { server: { version: '1.0', connectionPerRequest: true }, sample },
    ]),
  );
}
