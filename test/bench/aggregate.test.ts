import test from 'ava';
import { aggregate, median } from '../../bench/aggregate.ts';
import { FIGURES } from '../../bench/figures.ts';
import { makeHistogram } from '../../bench/histogram.ts';
import type { FigureName, Sample, Scenario, ServerName, ServerResult } from '../../bench/types.ts';
import { roundOf, sampleOf, scenarioOf } from './support/sample.ts';

/** So many requests in a second. */
const at = (requests: number) => sampleOf({ requests });

function resultOf(results: readonly ServerResult[], server: ServerName): ServerResult {
  const found = results.find((result) => result.server === server);
  if (found === undefined) throw new Error(`No result of ${server}`);
  return found;
}

test('the median of an odd and of an even number', (t) => {
  t.is(median([9, 1, 5]), 5);
  t.is(median([8, 1, 4, 2]), 3);
  t.is(median([7]), 7);
});

test('a figure is the median of the rounds, with the least, the greatest and each in order', (t) => {
  const scenario = scenarioOf({ figures: ['requests a second'] });
  const rounds = [300, 100, 200].map((requests) => roundOf({ git: at(requests) }));
  const [figure] = resultOf(aggregate(scenario, rounds), 'git').figures;
  t.like(figure, {
    name: 'requests a second',
    unit: 'req/s',
    better: 'higher',
    median: 200,
    min: 100,
    max: 300,
    values: [300, 100, 200],
  });
});

test('a ratio is the median of the ratios within each round, not the ratio of the medians', (t) => {
  const scenario = scenarioOf({ figures: ['requests a second'] });
  const rounds = [
    roundOf({ 'node:net': at(100), git: at(50) }),
    roundOf({ 'node:net': at(200), git: at(300) }),
    roundOf({ 'node:net': at(400), git: at(200) }),
  ];
  const results = aggregate(scenario, rounds);
  // 0.5, 1.5, 0.5; the medians are both 200.
  t.is(resultOf(results, 'git').figures[0]?.ratio, 0.5);
  t.is(resultOf(results, 'node:net').figures[0]?.ratio, undefined);
});

test('a round without the baseline, or without the server, gives no ratio and moves no other', (t) => {
  const scenario = scenarioOf({ figures: ['requests a second'] });
  const rounds = [
    roundOf({ git: at(1_000) }),
    roundOf({ 'node:net': at(100) }),
    roundOf({ 'node:net': at(200), git: at(150) }),
  ];
  const [figure] = resultOf(aggregate(scenario, rounds), 'git').figures;
  t.deepEqual(figure?.values, [1_000, 150]);
  t.is(figure?.ratio, 0.75);
});

test('no ratio to a baseline that is nothing or less', (t) => {
  const scenario = scenarioOf({ figures: ['memory'] });
  const grown = (bytes: number) => sampleOf({ rss: { before: 1e8, idle: 1e8, peak: 1e8 + bytes } });
  for (const bytes of [0, -4_096]) {
    const results = aggregate(scenario, [roundOf({ 'node:net': grown(bytes), git: grown(4_096) })]);
    t.is(resultOf(results, 'git').figures[0]?.ratio, undefined);
  }
});

test('histograms are merged over the rounds, and those of the samples stay as they were', (t) => {
  const first = makeHistogram([[100, 3]]);
  const second = makeHistogram([[900, 1]]);
  const rounds = [first, second].map((histogram) =>
    roundOf({ git: sampleOf({ lastByte: histogram, firstByte: histogram, connect: histogram }) }),
  );
  const result = resultOf(aggregate(scenarioOf(), rounds), 'git');
  for (const merged of [result.lastByte, result.firstByte, result.connect]) {
    t.is(merged.totalCount, 4);
    t.is(merged.getValueAtPercentile(75), 100);
    t.is(merged.maxValue, 900);
  }
  t.is(first.totalCount, 3);
  t.is(second.totalCount, 1);
});

test('counts are added up, the generator is as busy as in its busiest round, the slowest are the slowest of all', (t) => {
  const traces = (...durations: number[]) =>
    durations.map((duration) => ({ traceId: `of ${duration}`, duration }));
  const rounds = [
    roundOf({
      git: sampleOf({
        requests: 10,
        errors: 3,
        errorKinds: { EPIPE: 2, ECONNRESET: 1 },
        generatorBusy: 0.95,
        counted: { served: 10, dropped: 1 },
        slowest: traces(9, 7, 5),
      }),
    }),
    roundOf({
      git: sampleOf({
        requests: 20,
        errors: 4,
        errorKinds: { EPIPE: 4 },
        generatorBusy: 0.5,
        counted: { served: 20 },
        slowest: traces(8, 6, 4),
      }),
    }),
  ];
  t.like(resultOf(aggregate(scenarioOf(), rounds), 'git'), {
    requests: 30,
    errors: 7,
    errorKinds: { EPIPE: 6, ECONNRESET: 1 },
    generatorBusy: 0.95,
    counted: { served: 30, dropped: 1 },
    slowest: traces(9, 8, 7, 6, 5),
  });
});

test('servers come in the order of the scenario, and one that was never measured does not', (t) => {
  const rounds = [roundOf({ git: at(1), 'node:net': at(1) }), roundOf({ git: at(1) })];
  t.deepEqual(
    aggregate(scenarioOf(), rounds).map(({ server }) => server),
    ['node:net', 'git'],
  );
  t.deepEqual(aggregate(scenarioOf(), []), []);
});

const FULL: Sample = sampleOf({
  requests: 2_000,
  elapsed: 4_000_000,
  lastByte: makeHistogram([
    [50, 1_000],
    [80, 985],
    [700, 10],
    [1_500, 5],
  ]),
  bytesSent: 3_000_000,
  bytesReceived: 5_000_000,
  serverCpu: 50_000,
  serverThreadCpu: 30_000,
  rss: { before: 2 ** 26, idle: 2 ** 26 + 50_000, peak: 2 ** 26 + 3 * 2 ** 20 },
  monitor: { ready: 140_000, query: 250, resident: 6 * 2 ** 20, idle: 0.25 },
});

const BY_HAND: Readonly<Record<FigureName, number>> = {
  'requests a second': 500,
  'MB a second': 2,
  p50: 50,
  p99: 80,
  'p99.9': 1_500,
  'CPU a request': 25,
  'CPU a request, main thread': 15,
  memory: 3,
  'memory an idle connection': 5,
  'start to first answer': 0.05,
  'git status': 0.05,
  query: 0.25,
  'start to ready': 140,
  'resident memory': 6,
  'idle CPU': 25,
};

const IDLE: Scenario = scenarioOf({ load: { ...scenarioOf().load, idle: 10_000 } });

for (const [name, expected] of Object.entries(BY_HAND) as [FigureName, number][]) {
  test(`${name}, by hand`, (t) => {
    t.is(FIGURES[name].of(FULL, IDLE), expected);
  });

  test(`${name} is left out where nothing tells it`, (t) => {
    const empty = sampleOf({ elapsed: 0 });
    t.is(FIGURES[name].of(empty, scenarioOf()), undefined);
    const rounds = [roundOf({ git: empty }), roundOf({ git: empty })];
    t.deepEqual(resultOf(aggregate(scenarioOf({ figures: [name] }), rounds), 'git').figures, []);
  });
}

test('a percentile of fewer requests than it takes would be the slowest one, and is left out', (t) => {
  const of = (name: FigureName, requests: number) =>
    FIGURES[name].of(sampleOf({ lastByte: makeHistogram([[70, requests]]) }), scenarioOf());
  t.is(of('p99', 99), undefined);
  t.is(of('p99', 100), 70);
  t.is(of('p99.9', 999), undefined);
  t.is(of('p99.9', 1_000), 70);
  t.is(of('p50', 1), undefined);
  t.is(of('p50', 2), 70);
});

test('one request is enough for the first answer', (t) => {
  const sample = sampleOf({ requests: 1, lastByte: makeHistogram([[41_000, 1]]) });
  t.true(Math.abs((FIGURES['start to first answer'].of(sample, scenarioOf()) ?? 0) - 41) < 0.05);
});
