import test from 'ava';
import { histogramToText } from '../../bench/histogram.ts';
import { readReport, writeReport } from '../../bench/json.ts';
import type { Report } from '../../bench/types.ts';
import { sampleReport } from './support/sample-report.ts';

/** With what can be compared in place of the histograms. */
function comparable(report: Report) {
  return {
    ...report,
    scenarios: report.scenarios.map((scenario) => ({
      ...scenario,
      results: scenario.results.map(({ connect, firstByte, lastByte, ...result }) => ({
        result,
        histograms: [connect, firstByte, lastByte].map((histogram) => histogramToText(histogram)),
      })),
    })),
  };
}

/** A report as it is in a file, changed. */
function changed(change: (report: Changeable) => void): string {
  const value = JSON.parse(writeReport(sampleReport())) as Changeable;
  change(value);
  return JSON.stringify(value);
}

interface Changeable {
  [key: string]: unknown;
  scenarios: { scenario: Record<string, unknown>; results: Record<string, unknown>[] }[];
  growth: Record<string, unknown>[];
}

test('a report comes back as it was written, to the last histogram', (t) => {
  const report = sampleReport();
  t.deepEqual(comparable(readReport(writeReport(report), 'report.json')), comparable(report));
});

test('so does one without what may be missing', (t) => {
  const report = { ...sampleReport(), commit: undefined, jaeger: undefined };
  t.deepEqual(comparable(readReport(writeReport(report), 'report.json')), comparable(report));
});

test('histograms are in the compressed format of HdrHistogram, which others read', (t) => {
  const [scenario] = (JSON.parse(writeReport(sampleReport())) as Changeable).scenarios;
  // The cookie of V2, compressed.
  t.regex(scenario?.results[0]?.['lastByte'] as string, /^HISTFAAA/);
});

test('what is no finite number can be read again', (t) => {
  const report = sampleReport();
  const [first] = report.growth;
  if (first === undefined) return t.fail();
  const read = readReport(
    writeReport({ ...report, growth: [{ ...first, exponent: Number.NaN }] }),
    'report.json',
  );
  t.is(read.growth[0]?.exponent, Number.NaN);
});

test('a read histogram takes further values', (t) => {
  const histogram = readReport(writeReport(sampleReport()), 'report.json').scenarios[0]?.results[0]?.lastByte;
  const before = histogram?.totalCount ?? 0;
  histogram?.recordValue(50_000_000);
  t.is(histogram?.totalCount, before + 1);
});

test('keys that are names of Object.prototype are keys like others', (t) => {
  const text = writeReport(sampleReport()).replace('"ECONNRESET"', '"__proto__"');
  const kinds = readReport(text, 'report.json').scenarios.flatMap(({ results }) =>
    results.map(({ errorKinds }) => Object.entries(errorKinds)),
  );
  t.deepEqual(
    kinds.flat().find(([kind]) => kind === '__proto__'),
    ['__proto__', 25],
  );
});

const REFUSED: readonly [what: string, text: string, message: RegExp][] = [
  ['no JSON', 'hello', /^old\.json is no JSON\. .*--json/],
  ['an empty file', '', /^old\.json is no JSON\./],
  ['null', 'null', /the whole is null, not an object/],
  ['a list', '[]', /the whole is a list, not an object/],
  ["somebody else's JSON", '{"name":"x"}', /^old\.json is no report of this bench: version is missing/],
  ['a version that is a text', changed((report) => (report['version'] = '1')), /version is "1"/],
  [
    'another version',
    changed((report) => (report['version'] = 7)),
    /^old\.json was written by another version of the bench \(7; this one reads 1\)\. Measure/,
  ],
  [
    'no scenarios',
    changed((report) => Reflect.deleteProperty(report, 'scenarios')),
    /scenarios is missing, not a list/,
  ],
  [
    'a figure that there is not',
    changed(({ scenarios }) => (scenarios[1]!.scenario['figures'] = ['speed'])),
    /scenarios\[1\]\.scenario\.figures\[0\] is "speed", not one of requests a second/,
  ],
  [
    'a number that is a text',
    changed(({ scenarios }) => (scenarios[0]!.results[2]!['requests'] = '12')),
    /scenarios\[0\]\.results\[2\]\.requests is "12", not a number/,
  ],
  [
    'a histogram that is none',
    changed(({ scenarios }) => (scenarios[0]!.results[0]!['connect'] = 'SGVsbG8sIHdvcmxkIQ==')),
    /scenarios\[0\]\.results\[0\]\.connect is "SGVs.*, not a histogram/,
  ],
  [
    'a histogram that was cut off',
    changed(({ scenarios }) => {
      const [result] = scenarios[0]!.results;
      result!['lastByte'] = String(result!['lastByte']).slice(0, 40);
    }),
    /scenarios\[0\]\.results\[0\]\.lastByte is .*, not a histogram/,
  ],
  [
    'errors that are a list',
    changed(({ scenarios }) => (scenarios[0]!.results[0]!['errorKinds'] = [])),
    /errorKinds is a list, not an object/,
  ],
  [
    'a flag that is a number',
    changed(({ scenarios }) => (scenarios[0]!.results[0]!['connectionPerRequest'] = 1)),
    /connectionPerRequest is 1, not true or false/,
  ],
  [
    'a growth without points',
    changed(({ growth }) => (growth[0]!['points'] = undefined)),
    /growth\[0\]\.points is missing/,
  ],
];

for (const [what, text, message] of REFUSED) {
  test(`refuses ${what}, and says so`, (t) => {
    t.throws(() => readReport(text, 'old.json'), { message });
  });
}
