import test from 'ava';
import { targetsOf } from '../../bench/targets.ts';
import { SCENARIOS } from '../../bench/scenarios.ts';
import type { Figure, FigureName, ScenarioResult, ServerName } from '../../bench/types.ts';
import { makeHistogram } from '../../bench/histogram.ts';

function result(
  name: string,
  figures: readonly [ServerName, FigureName, readonly number[]][],
): ScenarioResult {
  const scenario = SCENARIOS.find((each) => each.name === name)!;
  return {
    scenario,
    repeats: 3,
    skipped: [],
    results: figures.map(([server, figure, values]) => ({
      server,
      version: '1',
      connectionPerRequest: true,
      figures: [
        {
          name: figure,
          unit: 'us',
          better: 'lower',
          median: values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!,
          min: Math.min(...values),
          max: Math.max(...values),
          values,
          ratio: undefined,
        } satisfies Figure,
      ],
      requests: 1,
      errors: 0,
      errorKinds: {},
      connect: makeHistogram(),
      firstByte: makeHistogram(),
      lastByte: makeHistogram(),
      generatorBusy: 0,
      counted: {},
      slowest: [],
    })),
  };
}

test('a ratio is the median of those within each round, and is held against its limit', (t) => {
  const [target, ...others] = targetsOf(
    [
      result('ping-8', [
        ['node:net', 'CPU a request', [10, 20, 40]],
        ['simple-ipc', 'CPU a request', [11, 20, 60]],
      ]),
    ],
    4,
  );
  t.deepEqual(target, {
    number: 1,
    what: 'CPU a request against bare node:net, 8 clients',
    asked: 'at most 1.05',
    reached: '1.10',
    met: false,
  });
  t.deepEqual(others, []);
});

test('throughput has to be at least something', (t) => {
  const against = (ours: number) =>
    targetsOf(
      [
        result('ping-1', [
          ['git', 'requests a second', [100]],
          ['simple-ipc', 'requests a second', [ours]],
        ]),
      ],
      4,
    ).map(({ asked, reached, met }) => [asked, reached, met]);
  t.deepEqual(against(129), [['at least 1.30', '1.29', false]]);
  t.deepEqual(against(131), [['at least 1.30', '1.31', true]]);
});

test('memory has a unit', (t) => {
  const [target] = targetsOf(
    [result('idle-memory', [['simple-ipc', 'memory an idle connection', [5_801.4]]])],
    4,
  );
  t.is(target?.reached, '5,801 bytes');
  t.is(target?.asked, 'at most 6,000 bytes');
  t.true(target?.met);
});

test('what was not measured is no target', (t) => {
  t.deepEqual(targetsOf([], 4), []);
  t.deepEqual(targetsOf([result('ping-8', [['simple-ipc', 'CPU a request', [10]]])], 4), []);
});

test('what needs more cores than there are is told, and neither met nor missed', (t) => {
  const telemetry = result('telemetry', [
    ['simple-ipc', 'p99.9', [100]],
    ['simple-ipc, 100 % sampled', 'p99.9', [300]],
  ]);
  const told = (cores: number) => targetsOf([telemetry], cores).map(({ reached, met }) => [reached, met]);
  t.deepEqual(told(2), [['3.00, on 2 cores', undefined]]);
  t.deepEqual(told(4), [['3.00', false]]);
});

test('the cost among idle connections is held against that among none', (t) => {
  const of = (name: string, ours: number) => result(name, [['simple-ipc', 'CPU a request', [ours]]]);
  const target = targetsOf([of('idle-10k', 30), of('ping-8', 25)], 4).find(({ number }) => number === 5);
  t.is(target?.reached, '1.20');
  t.false(target?.met);
});

test("fsmonitor is held against git's own daemon and against none, with times and shares to the hundredth", (t) => {
  const targets = targetsOf(
    [
      withFigures('fsmonitor-50k', {
        'no fsmonitor': { 'git status': 400 },
        git: { 'git status': 100, 'start to ready': 1_000 },
        'simple-ipc': { 'git status': 120, 'start to ready': 1_400, query: 0.456, 'idle CPU': 0.124 },
      }),
    ],
    4,
  ).map(({ what, asked, reached, met }) => [
    what.replace(/^fsmonitor, 50,000 directories: /, ''),
    asked,
    reached,
    met,
  ]);
  t.deepEqual(targets, [
    ["`git status` against that with git's own daemon", 'at most 1.10', '1.20', false],
    ['`git status` against that with none', 'at most 0.40', '0.30', true],
    ['a query', 'at most 0.50 ms', '0.46 ms', true],
    ["start to ready against git's own daemon", 'at most 1.50', '1.40', true],
    ['processor time with nothing to do', 'at most 0.10 %', '0.12 %', false],
  ]);
});

/** One round of several figures. */
function withFigures(
  name: string,
  servers: Partial<Record<ServerName, Partial<Record<FigureName, number>>>>,
): ScenarioResult {
  const all = Object.entries(servers) as [ServerName, Record<FigureName, number>][];
  const one = result(
    name,
    all.map(([server]) => [server, 'git status', [0]]),
  );
  return {
    ...one,
    results: one.results.map((its, at) => ({
      ...its,
      figures: (Object.entries(all[at]![1]) as [FigureName, number][]).map(([figure, reached]) => ({
        ...its.figures[0]!,
        name: figure,
        median: reached,
        values: [reached],
      })),
    })),
  };
}
