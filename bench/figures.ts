/** What each figure is: how it comes from a sample, in what unit, and which way is better. */
import { percentile as percentileOf } from './histogram.ts';
import type { Figure, FigureName, Sample, Scenario, ServerResult } from './types.ts';

interface Definition {
  /** Short, with its unit: over a column. */
  readonly heading: string;
  readonly unit: Figure['unit'];
  readonly better: Figure['better'];
  /** A load generator that is the limit spoils it. What the server spends on a request holds all the same. */
  readonly needsGenerator: boolean;
  /** What it says, for people. */
  readonly means: string;
  /** Undefined where the sample has nothing to tell it from. */
  of(sample: Sample, scenario: Pick<Scenario, 'load'>): number | undefined;
}

const MEBIBYTE = 2 ** 20;

export const FIGURES: Readonly<Record<FigureName, Definition>> = {
  'requests a second': {
    heading: 'requests/s',
    unit: 'req/s',
    better: 'higher',
    needsGenerator: true,
    means: 'answers that came whole, a second',
    of: ({ requests, elapsed }) => quotient(requests * 1e6, elapsed),
  },
  'MB a second': {
    heading: 'MB/s',
    unit: 'MB/s',
    better: 'higher',
    needsGenerator: true,
    means: 'payload of requests and answers together, in millions of bytes a second',
    of: ({ bytesSent, bytesReceived, elapsed }) => quotient(bytesSent + bytesReceived, elapsed),
  },
  p50: percentile(50, 'half of the requests took no longer, from before connect to the last byte'),
  p99: percentile(99, 'one request in 100 took longer'),
  'p99.9': percentile(99.9, 'one request in 1,000 took longer'),
  'CPU a request': {
    heading: 'CPU/request, µs',
    unit: 'us',
    better: 'lower',
    needsGenerator: false,
    means: 'processor time of the server, all its threads, for each request',
    of: ({ serverCpu, requests }) => quotient(serverCpu, requests),
  },
  'CPU a request, main thread': {
    heading: 'main thread CPU/request, µs',
    unit: 'us',
    better: 'lower',
    needsGenerator: false,
    means: "processor time of the server's main thread alone, for each request",
    of: ({ serverThreadCpu, requests }) => quotient(serverThreadCpu, requests),
  },
  memory: {
    heading: 'memory, MiB',
    unit: 'MiB',
    better: 'lower',
    needsGenerator: false,
    means: 'by how much the resident memory of the server grew at most',
    of: ({ rss }) => (rss === undefined ? undefined : (rss.peak - rss.before) / MEBIBYTE),
  },
  'memory an idle connection': {
    heading: 'bytes/idle connection',
    unit: 'bytes',
    better: 'lower',
    needsGenerator: false,
    means:
      'by how much the resident memory of the server grew when they were opened, for each idle connection',
    of: ({ rss }, { load }) => (rss === undefined ? undefined : quotient(rss.idle - rss.before, load.idle)),
  },
  'start to first answer': {
    heading: 'start to answer, ms',
    unit: 'ms',
    better: 'lower',
    needsGenerator: false,
    means: 'from the start of the process to the last byte of its first answer, the median of all starts',
    of: medianMilliseconds,
  },
  'git status': {
    heading: 'git status, ms',
    unit: 'ms',
    better: 'lower',
    needsGenerator: false,
    means: '`git status` of a tree in which nothing has changed, from its start to its end',
    of: medianMilliseconds,
  },
  query: {
    heading: 'query, ms',
    unit: 'ms',
    better: 'lower',
    needsGenerator: false,
    means: 'what has changed since the last query, which is nothing: from before connect to the last byte',
    of: ({ monitor }) => quotient(monitor?.query, 1_000),
  },
  'start to ready': {
    heading: 'start to ready, ms',
    unit: 'ms',
    better: 'lower',
    needsGenerator: false,
    means: 'the command that starts the daemon, from its start to its end: every directory is then watched',
    of: ({ monitor }) => quotient(monitor?.ready, 1_000),
  },
  'resident memory': {
    heading: 'memory, MiB',
    unit: 'MiB',
    better: 'lower',
    needsGenerator: false,
    means: 'the resident memory of the daemon',
    of: ({ monitor }) => quotient(monitor?.resident, MEBIBYTE),
  },
  'idle CPU': {
    heading: 'idle CPU, %',
    unit: '%',
    better: 'lower',
    needsGenerator: false,
    means: 'processor time of the daemon while nothing changes and nobody asks, of one core',
    of: ({ monitor }) => quotient(monitor?.idle, 1 / 100),
  },
};

/** What a server reached; undefined where it was not measured. */
export function figureOf({ figures }: ServerResult, name: FigureName): Figure | undefined {
  return figures.find((figure) => figure.name === name);
}

function percentile(at: number, means: string): Definition {
  return {
    heading: `p${at}, µs`,
    unit: 'us',
    better: 'lower',
    needsGenerator: true,
    means,
    of: ({ lastByte }) => percentileOf(lastByte, at),
  };
}

/** Of all starts, or of all runs of a command. */
function medianMilliseconds({ lastByte }: Sample): number | undefined {
  return lastByte.totalCount === 0 ? undefined : lastByte.getValueAtPercentile(50) / 1_000;
}

function quotient(dividend: number | undefined, divisor: number): number | undefined {
  return dividend === undefined || !(divisor > 0) ? undefined : dividend / divisor;
}
