/** Reports as files: what `--json` writes and `--compare` reads. */
import type { Histogram } from 'hdr-histogram-js';
import { FIGURES } from './figures.ts';
import { histogramFromText, histogramToText } from './histogram.ts';
import {
  array,
  boolean,
  number,
  object,
  oneOf,
  optional,
  record,
  string,
  WrongShape,
  type Check,
} from './shape.ts';
import type {
  Figure,
  FigureName,
  GrowthResult,
  Load,
  Report,
  Scenario,
  ScenarioResult,
  ServerName,
  ServerResult,
  Target,
  Tree,
} from './types.ts';

const VERSION = 1;
const HISTOGRAMS: ReadonlySet<string> = new Set([
  'connect',
  'firstByte',
  'lastByte',
] satisfies (keyof ServerResult)[]);

/** The report as JSON, its histograms in HdrHistogram's compressed format. */
export function writeReport(report: Report): string {
  // Histograms have a toJSON of their own, which is a summary: they are replaced before it is asked.
  const plain = {
    ...report,
    scenarios: report.scenarios.map((scenario) => ({
      ...scenario,
      results: scenario.results.map((result) =>
        Object.fromEntries(
          Object.entries(result).map(([key, value]) => [
            key,
            HISTOGRAMS.has(key) ? histogramToText(value as Histogram) : value,
          ]),
        ),
      ),
    })),
  };
  return `${JSON.stringify(plain, undefined, 2)}\n`;
}

/** Throws an `Error` that says what is wrong with the file and what to do. `file` is named in it. */
export function readReport(text: string, file: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} is no JSON. Name a file that the bench wrote with --json.`, { cause });
  }
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version !== VERSION) {
    throw new Error(
      `${file} was written by another version of the bench (${version}; this one reads ${VERSION}). Measure the old commit again with --json.`,
    );
  }
  try {
    return report(value, '');
  } catch (cause) {
    if (!(cause instanceof WrongShape)) throw cause;
    throw new Error(
      `${file} is no report of this bench: ${cause.message}. Name a file that the bench wrote with --json.`,
      { cause },
    );
  }
}

const histogram: Check<Histogram> = (value, at) => {
  const text = string(value, at);
  try {
    return histogramFromText(text);
  } catch {
    throw new WrongShape(at, 'a histogram', value);
  }
};

/** Servers come and go: of an old report, any name will do. */
const server = string as Check<ServerName>;
const figureName = oneOf(...(Object.keys(FIGURES) as FigureName[]));

const loadWithAnyTree = object<Omit<Load, 'tree'> & { tree: Tree | undefined }>({
  connections: number,
  idle: number,
  requestBytes: number,
  answerBytes: number,
  rate: number,
  duration: number,
  amount: number,
  warmUp: number,
  readRate: number,
  sleeps: boolean,
  tree: optional(object<Tree>({ directories: number, files: number })),
});

/** Most loads have no tree, and then not its key either. */
const load: Check<Load> = (value, at) => {
  const { tree, ...rest } = loadWithAnyTree(value, at);
  return tree === undefined ? rest : { ...rest, tree };
};

const scenario = object<Scenario>({
  name: string,
  title: string,
  kind: oneOf('load', 'start', 'fsmonitor'),
  generator: oneOf('c', 'node'),
  servers: array(server),
  baseline: server,
  load,
  fresh: boolean,
  figures: array(figureName),
});

const figure = object<Figure>({
  name: figureName,
  unit: oneOf('req/s', 'MB/s', 'us', 'ms', 'MiB', 'bytes', '%'),
  better: oneOf('lower', 'higher'),
  median: number,
  min: number,
  max: number,
  values: array(number),
  ratio: optional(number),
});

const serverResult = object<ServerResult>({
  server,
  version: string,
  connectionPerRequest: boolean,
  figures: array(figure),
  requests: number,
  errors: number,
  errorKinds: record(number),
  connect: histogram,
  firstByte: histogram,
  lastByte: histogram,
  generatorBusy: number,
  counted: record(number),
  slowest: array(object<ServerResult['slowest'][number]>({ traceId: string, duration: number })),
});

const scenarioResult = object<ScenarioResult>({
  scenario,
  repeats: number,
  results: array(serverResult),
  skipped: array(object<ScenarioResult['skipped'][number]>({ server, reason: string })),
});

const growth = object<GrowthResult>({
  name: oneOf('connections', 'answer', 'concurrency'),
  title: string,
  axis: string,
  figure: string,
  unit: string,
  points: array(object<GrowthResult['points'][number]>({ at: number, value: number })),
  exponent: number,
});

const target = object<Target>({
  number,
  what: string,
  asked: string,
  reached: string,
  met: optional(boolean),
});

const report = object<Report>({
  version: oneOf(VERSION),
  date: string,
  command: string,
  machine: object<Report['machine']>({
    cpu: string,
    cores: number,
    memory: number,
    os: string,
    node: string,
  }),
  commit: optional(string),
  scenarios: array(scenarioResult),
  growth: array(growth),
  targets: array(target),
  jaeger: optional(string),
});
