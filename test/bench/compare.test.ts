import test from 'ava';
import { aggregate } from '../../bench/aggregate.ts';
import { compareReports, type ComparedFigure } from '../../bench/compare.ts';
import { makeHistogram } from '../../bench/histogram.ts';
import type { FigureName, Report, Scenario, ServerName } from '../../bench/types.ts';
import { roundOf, sampleOf, scenarioOf } from './support/sample.ts';
import { sampleReport } from './support/sample-report.ts';

/** A report of one scenario, in which git answered so many requests a second and p50 was so long, round by round. */
function reportOf(rates: readonly number[], p50s: readonly number[], said: Partial<Scenario> = {}): Report {
  const scenario = scenarioOf({ figures: ['requests a second', 'p50'], ...said });
  const rounds = rates.map((requests, round) =>
    roundOf({ git: sampleOf({ requests, lastByte: makeHistogram([[p50s[round] ?? 1, 10]]) }) }),
  );
  return {
    ...sampleReport([]),
    scenarios: [{ scenario, repeats: rates.length, results: aggregate(scenario, rounds), skipped: [] }],
  };
}

function compared(old: Report, now: Report, name: FigureName, server: ServerName = 'git'): ComparedFigure {
  const found = compareReports(old, now)
    .scenarios.flatMap(({ figures }) => figures)
    .find((figure) => figure.name === name && figure.server === server);
  if (found === undefined) throw new Error(`${name} was not compared`);
  return found;
}

test('ranges that have nothing in common are a change: for the better or the worse by what the figure is', (t) => {
  const old = reportOf([100, 110, 120], [50, 51, 52]);
  const now = reportOf([200, 220, 240], [80, 81, 82]);
  t.like(compared(old, now, 'requests a second'), { ratio: 2, overlap: false, verdict: 'better' });
  t.like(compared(old, now, 'p50'), { overlap: false, verdict: 'worse' });
  t.like(compared(now, old, 'requests a second'), { ratio: 0.5, overlap: false, verdict: 'worse' });
  t.like(compared(now, old, 'p50'), { overlap: false, verdict: 'better' });
});

test('ranges that touch are the same within noise, however far the medians are from each other', (t) => {
  const old = reportOf([100, 110, 190], [50, 50, 50]);
  const now = reportOf([190, 220, 240], [50, 50, 50]);
  t.like(compared(old, now, 'requests a second'), {
    ratio: 2,
    overlap: true,
    verdict: 'the same within noise',
  });
  t.true(compared(now, old, 'requests a second').overlap);
  t.is(compared(old, reportOf([191], [50]), 'requests a second').overlap, false);
});

test('one range within the other overlaps', (t) => {
  const wide = reportOf([100, 200, 300], [50, 50, 50]);
  const narrow = reportOf([199, 200, 201], [50, 50, 50]);
  t.true(compared(wide, narrow, 'requests a second').overlap);
  t.true(compared(narrow, wide, 'requests a second').overlap);
});

test('both sides are there as they were', (t) => {
  const figure = compared(reportOf([100], [50]), reportOf([300], [50]), 'requests a second');
  t.deepEqual([figure.old.median, figure.new.median], [100, 300]);
});

test('no ratio to what was nothing', (t) => {
  t.is(compared(reportOf([0], [50]), reportOf([300], [50]), 'requests a second').ratio, undefined);
});

test('under another load nothing is the same, whatever the name; how long it took does not matter', (t) => {
  const { load } = scenarioOf();
  const old = reportOf([100], [50]);
  const differs = (said: Partial<Scenario>) =>
    compareReports(old, reportOf([100], [50], said)).scenarios[0]?.loadDiffers;
  t.false(differs({}));
  t.false(differs({ load: { ...load, duration: 9, amount: 9, warmUp: 9 }, title: 'Another title' }));
  for (const key of ['connections', 'idle', 'requestBytes', 'answerBytes', 'rate', 'readRate'] as const) {
    t.true(differs({ load: { ...load, [key]: load[key] + 1 } }), key);
  }
  t.true(differs({ load: { ...load, sleeps: false } }));
  t.true(differs({ generator: 'node' }));
  t.true(differs({ kind: 'start' }));
});

test('what only one of them has is named', (t) => {
  const whole = sampleReport();
  const [first, ...others] = whole.scenarios;
  if (first === undefined) return t.fail();
  const part = {
    ...whole,
    scenarios: [
      { ...first, results: first.results.filter(({ server }) => server !== 'git') },
      ...others.slice(1),
    ],
  };
  const missing = [
    { scenario: others[0]?.scenario.name, server: undefined },
    { scenario: first.scenario.name, server: 'git' },
  ];
  t.deepEqual(
    compareReports(whole, part).missing,
    missing.map((each) => ({ from: 'new' as const, ...each })) as never,
  );
  t.deepEqual(
    compareReports(part, whole).missing,
    missing.map((each) => ({ from: 'old' as const, ...each })) as never,
  );
});

test('what of the machines differs is named', (t) => {
  const old = sampleReport([]);
  t.deepEqual(compareReports(old, old).machineDiffers, []);
  t.deepEqual(
    compareReports(old, { ...old, machine: { ...old.machine, cores: 64, node: 'v26.0.0' } }).machineDiffers,
    ['cores', 'node'],
  );
});

test('a report is the same as itself', (t) => {
  const report = sampleReport();
  const { scenarios, missing } = compareReports(report, report);
  t.deepEqual(missing, []);
  const figures = scenarios.flatMap((scenario) => scenario.figures);
  t.is(
    figures.length,
    report.scenarios.flatMap(({ results }) => results.flatMap((result) => result.figures)).length,
  );
  t.true(figures.every(({ verdict, ratio }) => verdict === 'the same within noise' && ratio === 1));
});
