/** From the samples of each round to one result a server. */
import { FIGURES } from './figures.ts';
import { mergeHistograms } from './histogram.ts';
import type {
  Figure,
  FigureName,
  RunningServer,
  Sample,
  Scenario,
  ServerName,
  ServerResult,
} from './types.ts';

/** One measured run, and of which server. */
export interface Measured {
  readonly server: Pick<RunningServer, 'version' | 'connectionPerRequest'>;
  readonly sample: Sample;
}

/** What was measured side by side. A server that failed in a round is not in it. */
export type Round = ReadonlyMap<ServerName, Measured>;

const SLOWEST = 5;

/** One result for each server that was measured at least once, in the scenario's order. */
export function aggregate(scenario: Scenario, rounds: readonly Round[]): ServerResult[] {
  return scenario.servers.flatMap((server) => {
    const measured = rounds.flatMap((round) => round.get(server) ?? []);
    const [first] = measured;
    if (first === undefined) return [];
    const samples = measured.map(({ sample }) => sample);
    return {
      server,
      version: first.server.version,
      connectionPerRequest: first.server.connectionPerRequest,
      figures: scenario.figures.flatMap((name) => figure(name, server, scenario, rounds) ?? []),
      requests: sum(samples.map(({ requests }) => requests)),
      errors: sum(samples.map(({ errors }) => errors)),
      errorKinds: sumOfEach(samples.map(({ errorKinds }) => errorKinds)),
      connect: mergeHistograms(samples.map(({ connect }) => connect)),
      firstByte: mergeHistograms(samples.map(({ firstByte }) => firstByte)),
      lastByte: mergeHistograms(samples.map(({ lastByte }) => lastByte)),
      // The busiest round's: one round that the generator limited is enough to say so.
      generatorBusy: Math.max(...samples.map(({ generatorBusy }) => generatorBusy)),
      counted: sumOfEach(samples.map(({ counted }) => counted)),
      slowest: samples
        .flatMap(({ slowest }) => slowest)
        .toSorted((a, b) => b.duration - a.duration)
        .slice(0, SLOWEST),
    };
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** Undefined where no round could tell it. */
function figure(
  name: FigureName,
  server: ServerName,
  scenario: Scenario,
  rounds: readonly Round[],
): Figure | undefined {
  const { unit, better, of } = FIGURES[name];
  const valueOf = (measured: Measured | undefined) =>
    measured === undefined ? undefined : of(measured.sample, scenario);

  const values: number[] = [];
  const ratios: number[] = [];
  for (const round of rounds) {
    const value = valueOf(round.get(server));
    if (value === undefined) continue;
    values.push(value);
    const base = valueOf(round.get(scenario.baseline));
    // Memory may shrink, and a ratio to nothing or less says nothing.
    if (base !== undefined && base > 0) ratios.push(value / base);
  }
  if (values.length === 0) return undefined;
  return {
    name,
    unit,
    better,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    values,
    ratio: server === scenario.baseline || ratios.length === 0 ? undefined : median(ratios),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function sumOfEach(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total = new Map<string, number>();
  for (const [key, count] of counts.flatMap((each) => Object.entries(each))) {
    total.set(key, (total.get(key) ?? 0) + count);
  }
  return Object.fromEntries(total);
}
