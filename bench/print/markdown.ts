/** The tables of docs/performance.md and docs/fsmonitor.md, each between its marks: `<!-- bench:targets -->` and `<!-- /bench -->`. */
import { FIGURES, figureOf } from '../figures.ts';
import type { GrowthResult, Report, ScenarioResult } from '../types.ts';
import { formatNumber, formatRatio, formatShare, formatSpread, sentence } from './format.ts';
import { unitOf, verdictOf } from './growth.ts';
import { describeLoad } from './load.ts';
import { isSaturated, notesOf } from './notes.ts';
import { factsOf } from './report.ts';
import { standingOf, summaryOf } from './targets.ts';

const BLOCKS: Readonly<Record<string, (report: Report) => string>> = {
  machine: (report) => table(['', ''], factsOf(report), ['left', 'left']),
  targets: ({ targets }) =>
    targets.length === 0
      ? 'None was measured.'
      : `${summaryOf(targets)}.\n\n${table(
          ['', 'What', 'Asked', 'Reached', ''],
          targets.map((target) => {
            const { mark, word } = standingOf(target);
            return [String(target.number), target.what, target.asked, target.reached, `${mark} ${word}`];
          }),
          ['left', 'left', 'left', 'left', 'left'],
        )}`,
  scenarios: ({ scenarios }) => scenarios.map((scenario) => scenarioBlock(scenario)).join('\n\n'),
  fsmonitor: ({ scenarios }) =>
    scenarios
      .filter(({ scenario }) => scenario.kind === 'fsmonitor')
      .map((scenario) => scenarioBlock(scenario))
      .join('\n\n'),
  growth: ({ growth }) => growth.map((each) => growthBlock(each)).join('\n\n'),
};

const MARK = /<!-- (?:bench:(?<name>[\w-]*)|\/bench) -->/g;

/** The text, with what stands between the marks made anew. Throws where they are no pairs, or name no block. */
export function withReport(text: string, report: Report): string {
  let made = '';
  let copied = 0;
  let open: string | undefined;
  for (const mark of text.matchAll(MARK)) {
    const name = mark.groups?.['name'];
    if (name === undefined) {
      if (open === undefined)
        throw new Error(`'${mark[0]}' ends nothing: no '<!-- bench:NAME -->' is before it.`);
      made += `\n${blockOf(open, report)}\n`;
      copied = mark.index;
      open = undefined;
    } else {
      if (open !== undefined)
        throw new Error(`'<!-- bench:${open} -->' has no '<!-- /bench -->' before '${mark[0]}'.`);
      open = name;
      const end = mark.index + mark[0].length;
      made += text.slice(copied, end);
      copied = end;
    }
  }
  if (open !== undefined) throw new Error(`'<!-- bench:${open} -->' has no '<!-- /bench -->'.`);
  return made + text.slice(copied);
}

function blockOf(name: string, report: Report): string {
  const make = Object.hasOwn(BLOCKS, name) ? BLOCKS[name] : undefined;
  if (make === undefined) {
    throw new Error(`'<!-- bench:${name} -->' names no block. There are: ${Object.keys(BLOCKS).join(', ')}.`);
  }
  return make(report);
}

function scenarioBlock(measured: ScenarioResult): string {
  const { scenario, results } = measured;
  const hasGenerator = scenario.kind === 'load';
  const figures = table(
    [
      '',
      ...scenario.figures.map((name) => FIGURES[name].heading),
      ...(hasGenerator ? ['generator busy'] : []),
    ],
    results.map((result) => [
      result.server,
      ...scenario.figures.map((name) => {
        const figure = figureOf(result, name);
        if (figure === undefined) return '-';
        const ratio = figure.ratio === undefined ? '' : formatRatio(figure.ratio);
        return [formatNumber(figure.median), formatSpread(figure), ratio]
          .filter((part) => part !== '')
          .join(' ');
      }),
      ...(hasGenerator ? [`${formatShare(result.generatorBusy)}${isSaturated(result) ? ' (!)' : ''}`] : []),
    ]),
    ['left'],
  );
  const notes = notesOf(measured).map(({ text }) => `- ${escape(text)}`);
  return [
    `### ${escape(scenario.name)}`,
    `${escape(sentence(scenario.title))} ${escape(describeLoad(measured))}`,
    ...(results.length === 0 ? [] : [figures]),
    ...(notes.length === 0 ? [] : [notes.join('\n')]),
  ].join('\n\n');
}

function growthBlock(growth: GrowthResult): string {
  const figures = table(
    [growth.axis, `${growth.figure}, ${unitOf(growth)}`],
    growth.points.map(({ at, value }) => [at.toLocaleString('en'), formatNumber(value)]),
    [],
  );
  return [`### ${escape(growth.title)}`, figures, escape(verdictOf(growth))].join('\n\n');
}

/** Columns are aligned to the right unless said otherwise. */
function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly 'left'[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => escape(cell)).join(' | ')} |`;
  const rule = headings.map((_, at) => (align[at] === 'left' ? '---|' : '---:|')).join('');
  return [line(headings), `|${rule}`, ...rows.map((row) => line(row))].join('\n');
}

/** So that text is text in Markdown, on one line, but for what is between backticks: that is code there too. */
function escape(text: string): string {
  const parts = text.replace(/\s+/g, ' ').split('`');
  const isCode = (at: number) => parts.length % 2 === 1 && at % 2 === 1;
  return parts
    .map((part, at) =>
      isCode(at)
        ? part.replaceAll('|', String.raw`\|`)
        : part
            .replaceAll('&', '&amp;')
            .replaceAll('<', '&lt;')
            .replace(/[\\|*_[\]]/g, String.raw`\$&`),
    )
    .join(parts.length % 2 === 1 ? '`' : String.raw`\``);
}
