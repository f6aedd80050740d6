import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { aggregate } from '../../bench/aggregate.ts';
import { compareReports } from '../../bench/compare.ts';
import { makeHistogram, type Counts } from '../../bench/histogram.ts';
import { columnsOf, fit, padEnd, padStart, wrap } from '../../bench/print/columns.ts';
import { printComparison } from '../../bench/print/comparison.ts';
import { percentile } from '../../bench/histogram.ts';
import { logScale, spread, ticks } from '../../bench/print/distribution.ts';
import {
  formatBytes,
  formatNumber,
  formatRatio,
  formatShare,
  formatSpread,
  formatTime,
} from '../../bench/print/format.ts';
import { printGrowth } from '../../bench/print/growth.ts';
import { describeLoad } from '../../bench/print/load.ts';
import { printReport } from '../../bench/print/report.ts';
import { printScenario } from '../../bench/print/scenario.ts';
import { aligned, table } from '../../bench/print/table.ts';
import { printTargets } from '../../bench/print/targets.ts';
import type { Figure, GrowthResult, Report, Sample, Scenario, ScenarioResult } from '../../bench/types.ts';
import { roundOf, sampleOf, scenarioOf } from './support/sample.ts';
import { sampleReport } from './support/sample-report.ts';

const PLAIN = { width: 100, colour: false };
const REPORT = sampleReport();

/** Two rounds of node:net, and git with what is said. */
function measured(git: Partial<Sample>, said: Partial<Scenario> = {}): ScenarioResult {
  const scenario = scenarioOf({ figures: ['requests a second'], ...said });
  const rounds = [100, 100].map((requests) =>
    roundOf({ 'node:net': sampleOf({ requests }), git: sampleOf({ requests: 90, ...git }) }),
  );
  return { scenario, repeats: 2, results: aggregate(scenario, rounds), skipped: [] };
}

function lineWith(text: string, start: string): string {
  return text.split('\n').find((line) => line.startsWith(start)) ?? '';
}

/** Of git's line of latencies, what is drawn. */
function barsOf(lastByte: Counts): string {
  const text = printScenario(measured({ lastByte: makeHistogram(lastByte) }), { width: 60, colour: false });
  const [, after = ''] = text.split('latency');
  return lineWith(after, 'git').slice('latency  '.length, 'latency  '.length + 24);
}

test('numbers have three digits, and no fewer than before the point', (t) => {
  t.deepEqual(
    [0, 6, 1.234, 9.996, 12.34, 99.96, 123.4, 12_345.6, 38_200, -1.5].map((value) => formatNumber(value)),
    ['0', '6', '1.23', '10.0', '12.3', '100', '123', '12,346', '38,200', '-1.50'],
  );
  t.is(formatNumber(Number.NaN), '-');
});

test('times, sizes, shares and ratios', (t) => {
  t.deepEqual(
    [1, 999, 999.7, 1_234, 51_000, 999_600, 2_000_000].map((time) => formatTime(time)),
    ['1 µs', '999 µs', '1.00 ms', '1.23 ms', '51 ms', '1.00 s', '2 s'],
  );
  t.deepEqual(
    [4, 1_024, 1_536, 2 ** 30, 2 ** 42].map((bytes) => formatBytes(bytes)),
    ['4 B', '1 KiB', '1.5 KiB', '1 GiB', '4,096 GiB'],
  );
  t.deepEqual(
    [0, 0.0002, 0.5, 1].map((share) => formatShare(share)),
    ['0 %', '0.02 %', '50 %', '100 %'],
  );
  t.deepEqual(
    [1, 0.984, 12.34, 200].map((ratio) => formatRatio(ratio)),
    ['1.00×', '0.98×', '12.3×', '200×'],
  );
});

test('± is the farther end of the range, rounded up', (t) => {
  const spreadOf = (median: number, min: number, max: number, repeats = 3) =>
    formatSpread({
      median,
      min,
      max,
      values: Array.from({ length: repeats }, () => median),
    } as unknown as Figure);
  t.is(spreadOf(100, 99, 104), '±4 %');
  t.is(spreadOf(100, 90, 104), '±10 %');
  t.is(spreadOf(1_000, 999, 1_000), '±1 %');
  t.is(spreadOf(100, 100, 100), '±0 %');
  t.is(spreadOf(100, 50, 200, 1), '');
  // Of memory that hardly grew, or shrank.
  t.is(spreadOf(0, -0.5, 0.25), '±0.50');
  t.is(spreadOf(0.01, 0, 3), '±2.99');
});

test('wide, joined and combining characters take the columns that a terminal gives them', (t) => {
  t.is(columnsOf('git'), 3);
  t.is(columnsOf('服务器'), 6);
  t.is(columnsOf('ｇｉｔ'), 6);
  t.is(columnsOf('é'), 1);
  t.is(columnsOf('👩‍👩‍👧'), 2);
  t.is(columnsOf('✓ µ± ▁█×'), 8);
  t.is(columnsOf('a\u200Bb\uFEFF'), 2);
  t.is(columnsOf('\u001B[31mgit\u001B[39m'), 3);
  t.is(padStart('服', 4), '  服');
  t.is(padEnd('服', 4), '服  ');
  t.is(fit('服务器', 5), '服务…');
  t.is(fit('服务器', 6), '服务器');
});

test('lines are broken at spaces, and cut where there is none', (t) => {
  t.deepEqual(wrap('one two three', 7), ['one two', 'three']);
  t.deepEqual(wrap('one two three', 8, '  '), ['one two', '  three']);
  t.deepEqual(wrap('extraordinary', 8), ['extraor…']);
});

test('columns that have no room come in a further table, with the labels again', (t) => {
  const rows = [
    { label: 'git', cells: ['1', '22', '333'] },
    { label: '服务器', cells: ['4', '5', '6'] },
  ];
  t.deepEqual(table(['a', 'b', 'c'], rows, 80), [
    '         a    b     c',
    'git      1   22   333',
    '服务器   4    5     6',
  ]);
  t.deepEqual(table(['a', 'b', 'c'], rows, 16), [
    '         a    b',
    'git      1   22',
    '服务器   4    5',
    '',
    '           c',
    'git      333',
    '服务器     6',
  ]);
});

test('parts of cells stand below each other', (t) => {
  t.deepEqual(aligned([['1', '±10 %', '2×'], ['10', '±1 %'], ['-']]), [
    ' 1 ±10 % 2×',
    '10  ±1 %   ',
    ' -         ',
  ]);
});

test('a row has the median, the range and the ratio to the baseline', (t) => {
  const scenario = scenarioOf({ figures: ['requests a second', 'p50'] });
  const rounds = [
    roundOf({ 'node:net': sampleOf({ requests: 100 }), git: sampleOf({ requests: 150 }) }),
    roundOf({ 'node:net': sampleOf({ requests: 100 }), git: sampleOf({ requests: 200 }) }),
    roundOf({ 'node:net': sampleOf({ requests: 100 }), git: sampleOf({ requests: 160 }) }),
  ];
  const text = printScenario(
    { scenario, repeats: 3, results: aggregate(scenario, rounds), skipped: [] },
    PLAIN,
  );
  t.regex(text, /^ping-8: Eight clients ask and are answered\.\n/);
  t.regex(text, /\n +requests\/s +p50, µs +generator busy\n/);
  t.regex(lineWith(text, 'node:net'), /^node:net +100 +±0 % 1\.00× +- +0 %$/);
  t.regex(lineWith(text, 'git'), /^git +160 ±25 % 1\.60× +- +0 %$/);
});

test('a generator that was the limit is marked in the row, and said below', (t) => {
  const text = printScenario(measured({ generatorBusy: 0.9 }), PLAIN);
  t.regex(lineWith(text, 'git'), /! 90 %$/);
  t.regex(
    lineWith(text, '!'),
    /^! The load generator may have been the limit, not the server: git \(90 % busy\)/,
  );
  t.notRegex(lineWith(text, 'node:net'), /!/);
  t.notRegex(printScenario(measured({ generatorBusy: 0.89 }), PLAIN), /!/);
});

test('errors are told by their kind, the most frequent first, and not all of many', (t) => {
  const errorKinds = { EPIPE: 1, 'a\u001B[31m\nb': 5, ECONNRESET: 3, E1: 1, E2: 1, E3: 1 };
  const text = printScenario(measured({ errors: 12, errorKinds }), { width: 120, colour: false });
  t.is(
    lineWith(text, '✗'),
    '✗ git: 24 errors beside 180 answers: a [31m b (10), ECONNRESET (6), EPIPE (2), E1 (2), 2 further kinds',
  );
});

test('who was skipped is named with the reason, whether before or between the rounds', (t) => {
  const scenario = { ...measured({}), skipped: [{ server: 'grpc-js' as const, reason: 'Not installed.' }] };
  t.is(lineWith(printScenario(scenario, PLAIN), '-'), '- Not measured: grpc-js. Not installed.');
  const some = { ...measured({}), skipped: [{ server: 'git' as const, reason: 'It crashed.' }] };
  t.is(lineWith(printScenario(some, PLAIN), '-'), '- Measured in some of the rounds only: git. It crashed.');
});

test('who keeps connections, and what telemetry dropped, is said', (t) => {
  const text = printReport(REPORT, { width: 300, colour: false });
  t.regex(text, /\n· One connection a client, [^\n]*: grpc-js, node-ipc, vscode-jsonrpc\./);
  t.regex(text, /\n· simple-ipc, 100 % sampled: 60 telemetry records dropped of 50,000 requests,/);
});

test('a scenario in which nothing was measured says why', (t) => {
  const scenario = scenarioOf();
  const skipped = [{ server: 'git' as const, reason: 'There is no git.' }];
  t.is(
    printScenario({ scenario, repeats: 1, results: [], skipped }, PLAIN).split('\n\n').at(-1),
    '- Not measured: git. There is no git.\n',
  );
});

test('the load in words', (t) => {
  const { load } = scenarioOf();
  const words = (said: Partial<Scenario>) => describeLoad({ ...measured({}), scenario: scenarioOf(said) });
  t.is(
    words({}),
    '8 clients, each asks again as soon as it is answered, 4 B asked, 4 B answered. 2 rounds of 5 s after 1 s of warm-up, driven by a C program. Ratios (×) are to node:net in the same round.',
  );
  t.regex(
    words({ load: { ...load, rate: 5_000, idle: 100 } }),
    /^8 clients, among 100 idle connections, 5,000 requests a second at fixed times, 4 B/,
  );
  t.regex(
    words({ load: { ...load, connections: 1, amount: 1, duration: 0, warmUp: 0 } }),
    /^1 client, 4 B asked, 4 B answered\. 2 rounds of 1 request, driven/,
  );
  t.regex(words({ load: { ...load, sleeps: false } }), /driven by a C program that never sleeps\. /);
  t.regex(words({ generator: 'node' }), /driven by each peer's own client in Node\.js/);
  t.is(words({ kind: 'start' }), '2 rounds. Ratios (×) are to node:net in the same round.');
});

test('values are spread over equal factors', (t) => {
  const histogram = makeHistogram([
    [10, 4],
    [100, 2],
    [1_000, 1],
  ]);
  const scale = logScale([histogram]);
  t.is(scale.at(10), 0);
  t.is(scale.at(scale.high), 1);
  t.true(Math.abs(scale.at(100) - 0.5) < 0.01);
  t.deepEqual(spread(histogram, scale, 3), [4, 2, 1]);
  t.deepEqual(
    ticks(scale),
    [10, 100, 1_000].filter((tick) => tick <= scale.high),
  );
  t.deepEqual(ticks({ low: 15, high: 120 }), [20, 50, 100]);
});

test('nothing but one value, and no value at all, have a scale too', (t) => {
  const one = makeHistogram([[50, 1]]);
  t.deepEqual(spread(one, logScale([one]), 2), [1, 0]);
  const none = makeHistogram();
  t.deepEqual(spread(none, logScale([none]), 2), [0, 0]);
});

test('a percentile of fewer values than it takes is none', (t) => {
  t.is(percentile(makeHistogram([[5, 999]]), 99.9), undefined);
  t.is(percentile(makeHistogram([[5, 1_000]]), 99.9), 5);
});

test('latencies are bars on a logarithmic scale, and the rarest is seen', (t) => {
  const bars = barsOf([
    [10, 1_000],
    [100, 500],
    [1_000, 1],
  ]);
  t.regex(bars, /^█ {10,11}▄ {10,11}▁$/);
});

test('latency is told by its high percentiles, as many as have room', (t) => {
  const scenario = measured({
    lastByte: makeHistogram([
      [100, 996],
      [5_000, 4],
    ]),
  });
  const headings = (width: number) => lineWith(printScenario(scenario, { width, colour: false }), 'latency');
  t.regex(headings(100), / p50 +p90 +p99 +p99\.9 +max$/);
  t.regex(headings(66), / p50 +p99 +max$/);
  t.regex(headings(60), / p50 +p99 +max$| p50 +p99$/);
  const row = printScenario(scenario, PLAIN).split('latency')[1] ?? '';
  t.regex(lineWith(row, 'git'), / 100 µs +100 µs +100 µs +5\.00 ms +5 ms$/);
});

const GROWTH: GrowthResult = {
  name: 'connections',
  title: 'Among idle connections',
  axis: 'idle connections',
  figure: 'CPU a request',
  unit: 'us',
  points: [
    { at: 0, value: 24.9 },
    { at: 10_000, value: 26 },
  ],
  exponent: 1.1,
};

test('growth: its points, and whether it is worse than linear', (t) => {
  const text = printGrowth(GROWTH, PLAIN);
  t.regex(text, /\nidle connections +0 +10,000\nCPU a request, µs +24\.9 +26\n/);
  t.regex(text, /power of 1\.10 between the largest points: no worse than linear\.\n$/);
  t.regex(printGrowth({ ...GROWTH, exponent: 1.101 }, PLAIN), /: worse than linear\.\n$/);
  t.regex(printGrowth({ ...GROWTH, exponent: -0.01 }, PLAIN), /It does not grow with idle connections\.\n$/);
  t.regex(printGrowth({ ...GROWTH, exponent: Number.NaN }, PLAIN), /Too few points/);
});

test('targets, each with its mark', (t) => {
  const [summary, first, second, third, fourth, fifth] = printTargets(REPORT.targets, PLAIN).split('\n');
  t.is(summary, '2 of 4 targets met, 1 missed, 1 not measured');
  t.regex(first ?? '', /^✓ 1 {2}Actors on, .* at most 1\.05× +1\.03×, 1\.03×, 1\.04×$/);
  t.regex(second ?? '', /^ +floor, at 1, 8 and 32 clients$/);
  t.regex(third ?? '', /^✗ 2 {2}Ahead of git's C server/);
  t.regex(fourth ?? '', /^ +clients, and at 1 +1\.3×$/);
  t.regex(fifth ?? '', /^✓ 3 {2}100 % sampled/);
});

const COMPARISON = compareReports(REPORT, faster(REPORT));

/** The same on another machine, with ping-1 at a tenth of the CPU, and without the last scenario. */
function faster(report: Report): Report {
  const tenth = (figure: Figure): Figure =>
    figure.name === 'CPU a request'
      ? { ...figure, median: figure.median / 10, min: figure.min / 10, max: figure.max / 10 }
      : figure;
  return {
    ...report,
    machine: { ...report.machine, cores: 64 },
    commit: undefined,
    scenarios: report.scenarios.slice(0, -1).map((scenario, at) => {
      if (at === 1) return { ...scenario, scenario: { ...scenario.scenario, generator: 'node' as const } };
      const results = scenario.results.map((result) =>
        Object.assign({}, result, { figures: result.figures.map(tenth) }),
      );
      return Object.assign({}, scenario, at === 0 ? { results } : {});
    }),
  };
}

test('a comparison: what changed, what is noise, what cannot be compared', (t) => {
  const text = printComparison(COMPARISON, { width: 120, colour: false });
  t.regex(
    text,
    /^From aa635bfc81 \(2026-11-23T04:50:12\.000Z\) to 2026-11-23T04:50:12\.000Z: 11 better, 0 worse, \d+ the same within noise\n/,
  );
  t.regex(text, /\n! Not the same machine: cores was 2, is 64\.\n/);
  t.regex(text, /\nsimple-ipc\n {2}CPU\/request, µs +24\.5 +±\d+ % +2\.45 +±\d+ % +0\.10× +better\n/);
  t.regex(text, /\n {2}p50, µs +[^\n]* 1\.00× +the same within noise\n/);
  t.regex(text, /\nping-8: [^\n]*\n! Not compared: the load was another one under this name\.\n/);
  t.regex(text, /\n- start: not measured this time\n$/);
});

for (const width of [20, 60, 80, 100, 200]) {
  test(`at ${width} columns no line is longer, and without colours no codes`, (t) => {
    for (const text of [
      printReport(REPORT, { width, colour: false }),
      printComparison(COMPARISON, { width, colour: false }),
    ]) {
      t.is(stripVTControlCharacters(text), text);
      // Narrower than 60 is taken for 60.
      for (const line of text.split('\n')) t.true(columnsOf(line) <= Math.max(width, 60), line);
      t.notRegex(text, / \n|undefined|NaN|\[object/);
    }
  });
}

test('colours change nothing but the colour', (t) => {
  const coloured = [
    printReport(REPORT, { width: 100, colour: true }),
    printComparison(COMPARISON, { width: 100, colour: true }),
  ];
  const plain = [printReport(REPORT, PLAIN), printComparison(COMPARISON, PLAIN)];
  t.deepEqual(
    coloured.map((text) => stripVTControlCharacters(text)),
    plain,
  );
  for (const [at, text] of coloured.entries()) t.true(text.length > (plain[at]?.length ?? 0));
});

test('better is green and worse is yellow, whichever way is better', (t) => {
  const text = (git: Partial<Sample>, figure: Scenario['figures'][number]) =>
    lineWith(printScenario(measured(git, { figures: [figure] }), { width: 100, colour: true }), 'git');
  t.true(text({ requests: 150 }, 'requests a second').includes('\u001B[32m1.50×'));
  t.true(text({ requests: 50 }, 'requests a second').includes('\u001B[33m0.50×'));
  t.true(text({ requests: 101 }, 'requests a second').includes(' 1.01×'));
  const cpu = scenarioOf({ figures: ['CPU a request'] });
  const round = roundOf({
    'node:net': sampleOf({ requests: 10, serverCpu: 100 }),
    git: sampleOf({ requests: 10, serverCpu: 50 }),
  });
  const result = { scenario: cpu, repeats: 1, results: aggregate(cpu, [round]), skipped: [] };
  t.true(printScenario(result, { width: 100, colour: true }).includes('\u001B[32m0.50×'));
});
