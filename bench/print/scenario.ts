/** One scenario on a terminal: figures, latencies, and what has to be known besides. */
import { FIGURES, figureOf } from '../figures.ts';
import type { Figure, FigureName, ScenarioResult, ServerResult } from '../types.ts';
import { wrap } from './columns.ts';
import { formatNumber, formatRatio, formatShare, formatSpread } from './format.ts';
import { printLatencies } from './latencies.ts';
import { describeLoad } from './load.ts';
import { isSaturated, notesOf, type Note } from './notes.ts';
import { aligned, table, type Row } from './table.ts';
import { painter, widthOf, type Paint, type Terminal } from './terminal.ts';

/** A ratio that is nearer to 1 than this is not worth a colour. */
const WORTH_A_COLOUR = 0.02;

const LOOKS = {
  saturated: { mark: '!', style: 'yellow' },
  errors: { mark: '✗', style: 'red' },
  connections: { mark: '·', style: 'dim' },
  counted: { mark: '·', style: 'dim' },
  skipped: { mark: '-', style: 'dim' },
} as const satisfies Record<Note['kind'], unknown>;

export function printScenario(measured: ScenarioResult, terminal: Terminal): string {
  const { scenario } = measured;
  const width = widthOf(terminal);
  const paint = painter(terminal);
  const sections = [
    [
      ...wrap(`${scenario.name}: ${scenario.title}`, width).map((line) => paint('bold', line)),
      ...wrap(describeLoad(measured), width).map((line) => paint('dim', line)),
    ],
    figuresOf(measured, width, paint),
    printLatencies(measured, terminal),
    notesOf(measured).flatMap(({ kind, text }) => {
      const { mark, style } = LOOKS[kind];
      return wrap(`${mark} ${text}`, width, '  ').map((line) => paint(style, line));
    }),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function figuresOf({ scenario, results }: ScenarioResult, width: number, paint: Paint): string[] {
  if (results.length === 0) return [];
  const columns = scenario.figures.map((name) =>
    aligned(results.map((result) => partsOf(result, name, scenario.baseline, paint))),
  );
  const busy =
    scenario.kind === 'load'
      ? results.map((result) => {
          const share = formatShare(result.generatorBusy);
          return isSaturated(result) ? paint('yellow', `! ${share}`) : share;
        })
      : [];
  const rows = results.map((result, at): Row => ({
    label: labelOf(result, scenario.baseline, paint),
    cells: [...columns, busy].map((column) => column[at] ?? ''),
  }));
  const headings = [
    ...scenario.figures.map((name) => FIGURES[name].heading),
    ...(scenario.kind === 'load' ? ['generator busy'] : []),
  ];
  return table(
    headings.map((heading) => paint('dim', heading)),
    rows,
    width,
  );
}

function labelOf({ server }: ServerResult, baseline: string, paint: Paint): string {
  if (server === baseline) return paint('dim', server);
  return server === 'simple-ipc' ? paint('bold', server) : server;
}

/** Median, range and ratio. */
function partsOf(result: ServerResult, name: FigureName, baseline: string, paint: Paint): string[] {
  const figure = figureOf(result, name);
  if (figure === undefined) return ['-'];
  const ratio = figure.ratio === undefined ? '' : paintRatio(figure.ratio, figure.better, paint);
  return [
    formatNumber(figure.median),
    paint('dim', formatSpread(figure)),
    result.server === baseline ? paint('dim', formatRatio(1)) : ratio,
  ];
}

export function paintRatio(ratio: number, better: Figure['better'], paint: Paint): string {
  const text = formatRatio(ratio);
  if (Math.abs(ratio - 1) < WORTH_A_COLOUR) return text;
  return paint(ratio > 1 === (better === 'higher') ? 'green' : 'yellow', text);
}
