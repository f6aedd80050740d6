import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { parseHTML } from 'linkedom';
import { asText, html, unescaped, withCode } from '../../bench/page/html.ts';
import { renderPage } from '../../bench/page/page.ts';
import type { Report, ScenarioResult, ServerResult } from '../../bench/types.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { sampleReport } from './support/sample-report.ts';

const REPORT = sampleReport();
const PAGE = renderPage(REPORT);
const { document } = parseHTML(PAGE);

interface Found {
  readonly textContent: string;
  readonly outerHTML: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Found | null;
  querySelectorAll(selector: string): Iterable<Found>;
}

const all = (selector: string, within: Found = document as unknown as Found): Found[] => [
  ...within.querySelectorAll(selector),
];

function sectionOf(page: Found, name: string): Found {
  const section = page.querySelector(`#scenario-${name}`);
  if (section === null) throw new Error(`No section of ${name}`);
  return section;
}

function textsOf(found: readonly Found[]): string[] {
  return found.map(({ textContent }) => textContent.replace(/\s+/g, ' ').trim());
}

/** A page in which one scenario has these results and notes. */
function pageOf(change: (scenario: ScenarioResult) => ScenarioResult, said: Partial<Report> = {}): Found {
  const scenarios = REPORT.scenarios.map((scenario, at) => (at === 0 ? change(scenario) : scenario));
  return parseHTML(renderPage({ ...REPORT, ...said, scenarios })).document as unknown as Found;
}

test('it is one whole document', (t) => {
  t.true(PAGE.startsWith('<!doctype html>'));
  t.is(document.documentElement.getAttribute('lang'), 'en');
  t.is(document.title, 'simple-ipc, measured');
  t.regex(all('meta[name=viewport]')[0]?.getAttribute('content') ?? '', /width=device-width/);
  t.notRegex(PAGE, /undefined|NaN|\[object/);
});

test('it loads nothing from anywhere, and has no script', (t) => {
  t.deepEqual(all('script, link, img, iframe, object, embed, video, audio, base, image, use'), []);
  t.deepEqual(all('[src], [srcset], [data], [poster], [background]'), []);
  t.notRegex(PAGE, /@import|url\(|\bon\w+=/i);
  const elsewhere = all('[href]').filter((link) => !link.getAttribute('href')?.startsWith('#'));
  t.true(elsewhere.every(({ outerHTML }) => outerHTML.startsWith('<a ')));
});

test('a section and one figure for each scenario, each with its pictures and a table', (t) => {
  t.is(all('figure.scenario').length, REPORT.scenarios.length);
  for (const { scenario, results } of REPORT.scenarios) {
    const section = sectionOf(document as unknown as Found, scenario.name);
    t.is(all('figure', section).length, 1);
    t.is(all('svg', section).length, 2);
    t.is(all('tbody tr', section).length, results.length);
    t.deepEqual(
      textsOf(all('tbody th', section)),
      results.map(({ server }) => server),
    );
  }
});

test('the way to each section is at the top', (t) => {
  const links = all('nav a').map((link) => link.getAttribute('href') ?? '');
  t.is(links.length, REPORT.scenarios.length + 2);
  for (const link of links) t.is(all(link).length, 1, link);
});

test('each picture says what it shows', (t) => {
  const pictures = all('svg');
  t.is(pictures.length, 2 * REPORT.scenarios.length + 2 + REPORT.growth.length);
  for (const picture of pictures) {
    t.is(picture.getAttribute('role'), 'img');
    t.regex(picture.getAttribute('aria-label') ?? '', /^.+\. .+/);
  }
  const labels = pictures.map((picture) => picture.getAttribute('aria-label') ?? '');
  t.true(
    labels.some((label) =>
      /^Latencies in ping-8\. .*simple-ipc: p50 194 µs, p99 325 µs, p99\.9 /.test(label),
    ),
  );
  t.true(
    labels.some(
      (label) => label.startsWith('CPU/request, µs in ping-8: ') && label.includes('git: 29.5, from 29.2'),
    ),
  );
});

test('bars are as long as the medians, with the baseline as a line at its own', (t) => {
  const [bars] = all('svg', sectionOf(document as unknown as Found, 'idle-10k'));
  const lengths = all('[aria-label=rect] rect', bars).map((bar) => Number(bar.getAttribute('width')));
  const [floor, ours] = REPORT.scenarios[4]?.results.map(({ figures }) => figures[0]?.median ?? 0) ?? [];
  t.is(lengths.length, 2);
  t.true(Math.abs(lengths[1]! / lengths[0]! - ours! / floor!) < 0.001);
  const line = all('[aria-label=rule] line', bars).find(
    (rule) => rule.getAttribute('x1') === rule.getAttribute('x2'),
  );
  const start = Number(all('[aria-label=rect] rect', bars)[0]?.getAttribute('x'));
  t.true(Math.abs(Number(line?.getAttribute('x1')) - start - lengths[0]!) < 1);
});

test('latencies stand where they belong on a logarithmic scale', (t) => {
  const [, picture] = all('svg', sectionOf(document as unknown as Found, 'ping-8'));
  const [one, ten] = [100, 1_000].map((time) => placeOf(picture!, time === 100 ? '100 µs' : '1 ms'));
  // The p50 of node:net, which is the first row.
  const [median] = all('[aria-label=rule] line', picture)
    .filter((rule) => rule.querySelector('title')?.textContent.startsWith('p50'))
    .map((rule) => ({
      at: Number(rule.getAttribute('x1')),
      title: rule.querySelector('title')?.textContent,
    }));
  t.is(median?.title, 'p50: 192 µs');
  t.true(Math.abs(median!.at - (one! + (ten! - one!) * Math.log10(1.92))) < 1);
});

test('the line of a server ends at its slowest request; few requests are a stroke each, many are steps', (t) => {
  const pictureOf = (name: string) => all('svg', sectionOf(document as unknown as Found, name))[1]!;
  const steps = (name: string) => all('[aria-label=rect] rect', pictureOf(name)).length;
  const strokes = (name: string) =>
    all('[aria-label=rule] line', pictureOf(name)).filter(({ outerHTML }) => outerHTML.includes('var(--'))
      .length;
  t.true(steps('ping-8') > 300);
  t.is(steps('answer-1g'), 0);
  t.is(strokes('ping-8'), 0);
  // Three servers and five rounds.
  t.true(strokes('answer-1g') > 10 && strokes('answer-1g') <= 15);

  const ends = all('[aria-label=rule] line', pictureOf('ping-8'))
    .filter((rule) => rule.getAttribute('y1') === rule.getAttribute('y2'))
    .map((rule) => Number(rule.getAttribute('x2')));
  const longest = REPORT.scenarios[1]?.results.map(({ lastByte }) => lastByte.maxValue) ?? [];
  t.is(ends.length, longest.length);
  t.is(ends.indexOf(Math.max(...ends)), longest.indexOf(Math.max(...longest)));
  const [one, ten] = ['100 µs', '1 ms'].map((tick) => placeOf(pictureOf('ping-8'), tick));
  t.true(Math.abs(ends[0]! - (one! + (ten! - one!) * Math.log10(longest[0]! / 100))) < 1);
});

/** Where a tick of this text is, in pixels. */
function placeOf(picture: Found, text: string): number {
  const tick = all('text', picture).find(({ textContent }) => textContent === text);
  return Number(/translate\(([\d.]+)/.exec(tick?.getAttribute('transform') ?? '')?.[1]);
}

test('every colour has a value in both schemes', (t) => {
  const style = all('style').map(({ textContent }) => textContent);
  t.is(style.length, 1);
  const [light = '', dark = ''] = (style[0] ?? '').split('@media (prefers-color-scheme: dark)');
  const used = new Set(Array.from(PAGE.matchAll(/var\((--[\w-]+)\)/g), ([, name]) => name ?? ''));
  t.true(used.size > 8);
  for (const name of used) {
    t.true(light.includes(`${name}:`), `${name} in light`);
    t.true(dark.includes(`${name}:`), `${name} in dark`);
  }
  // Nothing of the pictures has a colour of its own, which one of the schemes could swallow.
  const own = all('svg [fill], svg [stroke], svg[fill]')
    .flatMap((shape) => [shape.getAttribute('fill'), shape.getAttribute('stroke')])
    .filter((colour) => colour !== null && !/^(none|currentColor|var\(--[\w-]+\))$/.test(colour));
  t.deepEqual(own, []);
  t.is(all('svg style').length, 0);
});

test('the overview has costs: what is slower than the baseline is right of it, in both its widths', (t) => {
  const pictures = all('.overview svg');
  t.is(pictures.length, 2);
  for (const picture of pictures) {
    const one = placeOf(picture, '1×');
    const placeOfDot = (title: string) => {
      const dot = all('[aria-label=dot] circle', picture).find(({ textContent }) => textContent === title);
      return Number(dot?.getAttribute('cx'));
    };
    t.true(placeOfDot('git: 0.96× MB a second') > one);
    t.true(placeOfDot('simple-ipc: 1.01× MB a second') < one);
    t.true(placeOfDot('simple-ipc: 1.31× memory an idle connection') > one);
  }
  t.deepEqual(textsOf(all('.keys span')), ['simple-ipc', 'its variants', 'git', 'other peers']);
});

test('targets are a table at the top, each with its mark and its word', (t) => {
  t.is(all('main section')[0]?.getAttribute('id'), 'targets');
  t.deepEqual(textsOf(all('#targets tbody td:last-child')), ['✓ met', '✗ missed', '✓ met', '– not measured']);
  const again = REPORT.targets.map((target) =>
    Object.assign({}, target, { number: Math.min(target.number, 2) }),
  );
  const page = pageOf((scenario) => scenario, { targets: again });
  t.deepEqual(textsOf(all('#targets tbody td:first-child', page)), ['1', '2', '', '']);
  t.deepEqual(textsOf(all('#targets h2')), ['2 of 4 targets met, 1 missed, 1 not measured']);
});

test('a saturated generator is marked in the row and said below; the bars of what it limits are pale', (t) => {
  const section = sectionOf(document as unknown as Found, 'ping-8');
  t.deepEqual(all('tbody tr', section).filter((row) => row.textContent.includes('!')).length, 2);
  t.regex(
    section.querySelector('.notes .saturated')?.textContent ?? '',
    /node:net \(96 % busy\); git \(96 % busy\)/,
  );

  const pale = (figures: ScenarioResult['scenario']['figures']) => {
    const page = pageOf((scenario) => ({
      ...scenario,
      scenario: { ...scenario.scenario, figures },
      results: scenario.results.map((result) =>
        Object.assign({}, result, { generatorBusy: result.server === 'git' ? 0.99 : 0.5 }),
      ),
    }));
    const [bars] = all('svg', sectionOf(page, 'ping-1'));
    return all('[aria-label=rect] rect', bars).filter((bar) => Number(bar.getAttribute('fill-opacity')) < 1)
      .length;
  };
  t.is(pale(['requests a second']), 1);
  t.is(pale(['p99']), 1);
  t.is(pale(['CPU a request']), 0);
});

test('errors and who was skipped are said', (t) => {
  const section = sectionOf(document as unknown as Found, 'ping-8');
  t.regex(
    section.querySelector('.notes .errors')?.textContent ?? '',
    /^node-ipc: 35 errors .*ECONNRESET \(25\)/,
  );
  t.regex(
    section.querySelector('.notes .skipped')?.textContent ?? '',
    /^Not measured: sock-daemon\. It is not installed/,
  );
});

test('the slowest requests have links to their traces, the slowest first', (t) => {
  const links = all('.slowest a', sectionOf(document as unknown as Found, 'rate-5k'));
  const slowest = REPORT.scenarios[2]?.results.find(({ server }) => server.includes('100 %'))?.slowest ?? [];
  t.is(slowest.length, 5);
  t.deepEqual(
    links.map((link) => link.getAttribute('href')),
    slowest.map(({ traceId }) => `http://127.0.0.1:16686/trace/${traceId}`),
  );
});

test('no links where there is no Jaeger, or nothing was traced, or its address is none', (t) => {
  for (const jaeger of [undefined, 'javascript:alert(1)//', '/jaeger']) {
    t.is(
      all(
        '.slowest',
        pageOf((scenario) => scenario, { jaeger }),
      ).length,
      0,
    );
  }
  const untraced = pageOf((scenario) => ({
    ...scenario,
    results: scenario.results.map((result) => Object.assign({}, result, { slowest: [] })),
  }));
  t.is(all('.slowest', sectionOf(untraced, 'ping-1')).length, 0);
});

test('a figure for each growth, and the one that is worse than linear stands out', (t) => {
  t.is(all('figure.growth').length, REPORT.growth.length);
  t.deepEqual(textsOf(all('figure.growth figcaption.warn')), [
    'It grows by the power of 1.24 between the largest points: worse than linear.',
  ]);
});

test('beside each growth is a dashed line that is linear, from the third last point on', (t) => {
  for (const [at, picture] of all('figure.growth svg').entries()) {
    const [dashed, solid] = all('[aria-label=line] path', picture).map((path) =>
      Array.from((path.getAttribute('d') ?? '').matchAll(/([\d.]+),([\d.]+)/g), ([, x, y]) => [
        Number(x),
        Number(y),
      ]),
    );
    const [from, to] = [solid?.at(-3), solid?.at(-1)];
    const slope = (line: readonly (readonly number[] | undefined)[]) =>
      (line.at(-1)![1]! - line[0]![1]!) / (line.at(-1)![0]! - line[0]![0]!);
    t.deepEqual(dashed?.[0], from);
    // A power of 1.24 is that much steeper, and one of 1 as steep.
    t.true(Math.abs(slope([from, to]) / slope(dashed!) - REPORT.growth[at]!.exponent) < 0.02);
  }
});

test('growth from nothing, and from too few points', (t) => {
  const [growth] = REPORT.growth;
  if (growth === undefined) return t.fail();
  const page = renderPage({
    ...REPORT,
    growth: [
      {
        ...growth,
        points: [
          { at: 0, value: 20 },
          { at: 10, value: 21 },
          { at: 100, value: 22 },
        ],
      },
      { ...growth, points: [], exponent: Number.NaN },
      { ...growth, points: [{ at: 0, value: 20 }], exponent: Number.NaN },
    ],
  });
  const found = parseHTML(page).document as unknown as Found;
  t.is(all('figure.growth', found).length, 3);
  t.is(all('figure.growth svg', found).length, 1);
  t.regex(all('figure.growth svg', found)[0]?.textContent ?? '', /at 0: 20 µs/);
  t.notRegex(page, /NaN|Infinity/);
});

test('how it was measured, and what that does not show', (t) => {
  const [section] = all('#method');
  t.regex(section?.textContent ?? '', /Limitations/);
  t.deepEqual(textsOf(all('dt', section)), [
    'Measured',
    'Command',
    'Machine',
    'Node.js',
    'Commit',
    'Servers',
  ]);
});

test('text from elsewhere stays text, wherever it appears', (t) => {
  const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;`;
  const hostile = (scenario: ScenarioResult): ScenarioResult => ({
    ...scenario,
    scenario: { ...scenario.scenario, name: `ping${evil}`, title: evil },
    skipped: [{ server: 'git', reason: `${evil} \`${evil}\`` }],
    results: scenario.results.map((result): ServerResult =>
      Object.assign({}, result, {
        server: evil,
        version: evil,
        errors: 1,
        errorKinds: { [evil]: 1 },
        slowest: [{ traceId: evil, duration: 5 }],
      }),
    ),
  });
  const page = pageOf(hostile, {
    command: evil,
    date: evil,
    commit: evil,
    machine: { cpu: evil, cores: 1, memory: 1, os: evil, node: evil },
    jaeger: `http://${evil}`,
    targets: [{ number: 1, what: evil, asked: evil, reached: evil, met: true }],
    growth: REPORT.growth.map((growth) =>
      Object.assign({}, growth, { title: evil, axis: evil, figure: evil, unit: evil }),
    ),
  });
  t.deepEqual(all('script, img', page), []);
  t.deepEqual(all('[onerror]', page), []);
  t.is(all('figure.scenario', page).length, REPORT.scenarios.length);
  for (const selector of [
    'dd',
    'h2',
    '.lead',
    '.targets td',
    'tbody th',
    '.notes .errors',
    '.notes .skipped',
    'h3',
    'text',
    'nav a',
  ]) {
    t.true(
      all(selector, page).some(({ textContent }) => textContent.includes(evil)),
      selector,
    );
  }
});

test('a report of nothing is a page, too', (t) => {
  const page = renderPage({
    ...REPORT,
    scenarios: [],
    growth: [],
    targets: [],
    jaeger: undefined,
    commit: undefined,
  });
  const found = parseHTML(page).document as unknown as Found;
  t.is(all('svg, #targets, #growth', found).length, 0);
  t.is(all('#method', found).length, 1);
  t.notRegex(page, /undefined|NaN|Infinity/);
});

test('a scenario in which nothing was measured says why', (t) => {
  const page = pageOf((scenario) => ({
    ...scenario,
    results: [],
    skipped: [{ server: 'git', reason: 'None here.' }],
  }));
  const section = sectionOf(page, 'ping-1');
  t.is(all('svg, table', section).length, 0);
  t.is(section.querySelector('.notes')?.textContent.trim(), 'Not measured: git. None here.');
});

test('templates escape texts, and keep what is HTML', (t) => {
  t.is(
    asText(html`<p title="${`"'<>&`}">${'<b>'}${unescaped('<i>')}${[1, html`<u></u>`]}${undefined}</p>`),
    '<p title="&quot;&#39;&lt;&gt;&amp;">&lt;b&gt;<i>1<u></u></p>',
  );
  t.is(asText(withCode('a `<b>` c')), 'a <code>&lt;b&gt;</code> c');
  t.is(asText(withCode('one ` <b>')), 'one ` &lt;b&gt;');
});

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../bench/page/screenshot.ts', import.meta.url));

test('the screenshot asks a browser on PATH for the scheme that was named', async (t) => {
  const directory = temporaryDirectory(t);
  const page = join(directory, 'page.html');
  const out = join(directory, 'out.png');
  const browser = join(directory, 'google-chrome');
  writeFileSync(page, PAGE);
  writeFileSync(browser, `#!/bin/sh\nprintf '%s\\n' "$@" > '${directory}/asked'\n: > '${out}'\n`);
  chmodSync(browser, 0o755);
  for (const [flags, scheme] of [
    [[], 1],
    [['--dark'], 0],
  ] as const) {
    await run(process.execPath, [SCRIPT, page, out, ...flags], { env: { PATH: directory } });
    const asked = readFileSync(join(directory, 'asked'), 'utf8').split('\n');
    t.true(asked.includes(`--blink-settings=preferredColorScheme=${scheme}`));
    t.true(asked.includes(`--screenshot=${out}`));
    t.true(asked.some((argument) => argument.startsWith('file://') && argument.endsWith('/page.html')));
  }
});

test('without a browser, a page or a name the screenshot says so', async (t) => {
  const directory = temporaryDirectory(t);
  const page = join(directory, 'page.html');
  writeFileSync(page, PAGE);
  const fails = (...given: string[]) =>
    t.throwsAsync<Error & { code: number; stderr: string }>(
      run(process.execPath, [SCRIPT, ...given], { env: { PATH: directory } }),
    );
  const noBrowser = await fails(page, join(directory, 'out.png'));
  t.is(noBrowser?.code, 1);
  t.regex(
    noBrowser?.stderr ?? '',
    /^None of chromium, .* is on PATH\. On Debian: apt-get install chromium\n$/,
  );
  t.regex(
    (await fails(join(directory, 'none.html'), 'out.png'))?.stderr ?? '',
    /^There is no .*none\.html\. The bench writes it/,
  );
  t.is((await fails(page))?.code, 2);
  t.false(existsSync(join(directory, 'out.png')));
});
