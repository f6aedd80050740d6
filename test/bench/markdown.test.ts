import test from 'ava';
import { withReport } from '../../bench/print/markdown.ts';
import type { Report } from '../../bench/types.ts';
import { sampleReport } from './support/sample-report.ts';

const REPORT = sampleReport();
const NAMES = ['machine', 'targets', 'scenarios', 'growth'];
const DOCUMENT = `# Performance

${NAMES.map((name) => `Before ${name}.\n\n<!-- bench:${name} -->\nold\n<!-- /bench -->`).join('\n\n')}

The end: $& $1.
`;

function block(name: string, report: Report = REPORT): string {
  return withReport(`<!-- bench:${name} -->\n<!-- /bench -->`, report)
    .replace(/^<!-- .* -->\n/, '')
    .replace(/\n<!-- .* -->$/, '');
}

test('what is between the marks is made anew, and all else stays', (t) => {
  const written = withReport(DOCUMENT, REPORT);
  const rest = (text: string) => text.replace(/(?<=<!-- bench:\w+ -->\n).*?(?=\n<!-- \/bench -->)/gs, '');
  t.is(rest(written), rest(DOCUMENT));
  t.false(written.includes('\nold\n'));
  for (const name of NAMES) t.true(written.includes(block(name)), name);
});

test('twice is the same as once', (t) => {
  const once = withReport(DOCUMENT, REPORT);
  t.is(withReport(once, REPORT), once);
});

test('what a report says has no meaning for the replacement', (t) => {
  const report = { ...REPORT, command: 'echo $& $1 $$' };
  t.true(block('machine', report).includes('echo $&amp; $1 $$'));
});

test('marks that are no pairs, or name nothing, are refused', (t) => {
  const refuse = (text: string, message: string) => t.throws(() => withReport(text, REPORT), { message });
  refuse('<!-- bench:targets -->', "'<!-- bench:targets -->' has no '<!-- /bench -->'.");
  refuse('<!-- /bench -->', "'<!-- /bench -->' ends nothing: no '<!-- bench:NAME -->' is before it.");
  refuse(
    '<!-- bench:targets --> <!-- bench:growth --> <!-- /bench -->',
    "'<!-- bench:targets -->' has no '<!-- /bench -->' before '<!-- bench:growth -->'.",
  );
  for (const name of ['target', 'constructor', '']) {
    refuse(
      `<!-- bench:${name} --><!-- /bench -->`,
      `'<!-- bench:${name} -->' names no block. There are: machine, targets, scenarios, fsmonitor, growth.`,
    );
  }
});

test('the machine, its versions, the date and the command', (t) => {
  const text = block('machine');
  t.regex(text, /^\|  \|  \|\n\|---\|---\|\n\| Measured \| 2026-11-23T04:50:12\.000Z \|\n/);
  t.regex(text, /\n\| Machine \| AMD EPYC 7R13 Processor, 2 cores, 24 GiB, Linux 6\.1\.0 x64 \|\n/);
  t.regex(text, /\n\| Servers \| node:net 24\.21\.0; simple-ipc 0\.1\.0; git 2\.55\.0; /);
});

test('targets with their marks', (t) => {
  t.regex(block('targets'), /^2 of 4 targets met, 1 missed, 1 not measured\.\n\n\|/);
  t.regex(block('targets'), /\n\| 2 \| Ahead .* \| ✗ missed \|\n/);
  t.is(block('targets', { ...REPORT, targets: [] }), 'None was measured.');
});

test('a table for each scenario, its rows as long as its head', (t) => {
  const text = block('scenarios');
  t.is(text.match(/^### /gm)?.length, REPORT.scenarios.length);
  t.regex(text, /\n### ping-8\n\nEight clients send `ping` and read `pong`, again and again\. 8 clients, /);
  t.regex(text, /\n\| simple-ipc \| 25\.4 ±3 % 1\.04× \| .* \| 62 % \|\n/);
  t.regex(text, /\n\| git \| .* \| 96 % \(!\) \|\n/);
  t.regex(text, /\n- The load generator may have been the limit/);
  t.regex(text, /\n- Not measured: sock-daemon\. It is not installed\. `npm ci --prefix bench` installs/);
  for (const lines of text.matchAll(/(?:^\|.*\n?)+/gm)) {
    const columns = lines[0]
      .trimEnd()
      .split('\n')
      .map((line) => line.match(/(?<!\\)\|/g)?.length);
    t.is(new Set(columns).size, 1);
  }
});

test('growth', (t) => {
  t.regex(
    block('growth'),
    /^### Clients at once, .*\n\n\| connections \| CPU of the server .*, µs \|\n\|---:\|---:\|\n\| 1 \| 24\.9 \|\n/,
  );
  t.regex(
    block('growth'),
    /\n\nIt grows by the power of 1\.24 between the largest points: worse than linear\.$/,
  );
});

test('text from elsewhere is text', (t) => {
  const report = {
    ...REPORT,
    command: 'a|b\nc <script> *x* [y](z) `open',
    machine: { ...REPORT.machine, cpu: 'fast `a|b` <b>' },
  };
  t.true(
    block('machine', report).includes(
      String.raw`| Command | a\|b c &lt;script> \*x\* \[y\](z) ${'\\`'}open |`,
    ),
  );
  t.true(block('machine', report).includes('| Machine | fast `a\\|b` &lt;b>, 2 cores'));
});
