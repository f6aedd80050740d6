import { readFileSync } from 'node:fs';
import test from 'ava';
import { aggregate } from '../../../bench/aggregate.ts';
import { makeHistogram } from '../../../bench/histogram.ts';
import { readReport, writeReport } from '../../../bench/json.ts';
import { renderPage } from '../../../bench/page/page.ts';
import { describeLoad } from '../../../bench/print/load.ts';
import { withReport } from '../../../bench/print/markdown.ts';
import { printScenario } from '../../../bench/print/scenario.ts';
import { SCENARIOS } from '../../../bench/scenarios.ts';
import type { Report, ScenarioResult } from '../../../bench/types.ts';
import { roundOf, sampleOf } from '../support/sample.ts';
import { sampleReport } from '../support/sample-report.ts';

const scenario = SCENARIOS.find(({ name }) => name === 'fsmonitor-5k')!;
const status = (microseconds: number) => ({
  requests: 1,
  lastByte: makeHistogram([[microseconds, 1]]),
});
const monitor = { ready: 140_000, query: 250, resident: 6 * 2 ** 20, idle: 0 };
const rounds = [
  roundOf({
    'no fsmonitor': sampleOf(status(40_000)),
    git: sampleOf({ ...status(10_000), monitor }),
    'simple-ipc': sampleOf({ ...status(11_000), monitor: { ...monitor, query: 500 } }),
  }),
];
const measured: ScenarioResult = {
  scenario,
  repeats: 1,
  results: aggregate(scenario, rounds),
  skipped: [{ server: 'system git', reason: 'There is none.' }],
};
const REPORT: Report = { ...sampleReport(), scenarios: [...sampleReport().scenarios, measured] };

test('what was done, in words', (t) => {
  const text = describeLoad(measured);
  t.is(
    text,
    '5,000 directories and 20,000 files, untracked cache on. 1 round, each with a new daemon, of 60 times `git status` and 3 s of rest. Ratios (×) are to git in the same round.',
  );
  const { load } = scenario;
  const restless = { ...measured, scenario: { ...scenario, load: { ...load, duration: 0 } } };
  t.regex(describeLoad(restless), /of 60 times `git status`\. Ratios/);
});

test('a table with what was measured of each, on the terminal, in Markdown and on the page', (t) => {
  const terminal = printScenario(measured, { width: 120, colour: false });
  t.regex(terminal, /\nsimple-ipc +11\.0 1\.10× +0\.50 2\.00× +140 1\.00× +6 1\.00× +0\n/);
  t.false(terminal.includes('generator busy'));

  const written = withReport('<!-- bench:fsmonitor -->\n<!-- /bench -->', REPORT);
  t.regex(written, /\n\| no fsmonitor \| 40\.0 4\.00× \| - \| - \| - \| - \|\n/);
  t.regex(written, /\n- Not measured: system git\. There is none\.\n/);
  t.is(written.match(/^### /gm)?.length, 1);
  t.false(written.includes('generator busy'));

  const page = renderPage(REPORT);
  const [section = ''] = /<section id="scenario-fsmonitor-5k">[^]*?<\/section>/.exec(page) ?? [];
  t.true(section.includes('git status, ms'));
  t.false(section.includes('generator busy'));
});

test('it comes back from a file', (t) => {
  const read = readReport(writeReport(REPORT), 'report.json').scenarios.at(-1);
  t.deepEqual(read?.scenario, scenario);
  t.deepEqual(
    read?.results.map(({ figures }) => figures),
    measured.results.map(({ figures }) => figures),
  );
});

test('docs/fsmonitor.md has a place for the tables', (t) => {
  const docs = readFileSync(new URL('../../../docs/fsmonitor.md', import.meta.url), 'utf8');
  t.regex(withReport(docs, REPORT), /<!-- bench:fsmonitor -->\n### fsmonitor-5k\n/);
});
