import type { ComparedFigure, ComparedScenario, Comparison, Missing } from '../compare.ts';
import { FIGURES } from '../figures.ts';
import type { Figure } from '../types.ts';
import { wrap } from './columns.ts';
import { formatNumber, formatRatio, formatSpread } from './format.ts';
import { aligned, table, type Row } from './table.ts';
import { painter, widthOf, type Paint, type Terminal } from './terminal.ts';

const STYLES = { 'the same within noise': 'dim', better: 'green', worse: 'red' } as const;

export function printComparison(comparison: Comparison, terminal: Terminal): string {
  const width = widthOf(terminal);
  const paint = painter(terminal);
  const { old, new: now, machineDiffers } = comparison;
  const warning =
    machineDiffers.length === 0
      ? []
      : wrap(
          `! Not the same machine: ${machineDiffers.map((key) => `${key} was ${old.machine[key]}, is ${now.machine[key]}`).join('; ')}.`,
          width,
          '  ',
        ).map((line) => paint('yellow', line));
  const sections = [
    [...wrap(`From ${nameOf(old)} to ${nameOf(now)}: ${tallyOf(comparison)}`, width), ...warning],
    ...comparison.scenarios.map((scenario) => scenarioLines(scenario, width, paint)),
    comparison.missing.flatMap((missing) => wrap(`- ${missingText(missing)}`, width, '  ')),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

/** `3 better, 1 worse, 20 the same within noise`. */
function tallyOf({ scenarios }: Comparison): string {
  const figures = scenarios.flatMap((scenario) => (scenario.loadDiffers ? [] : scenario.figures));
  const times = (verdict: ComparedFigure['verdict']) =>
    figures.filter((figure) => figure.verdict === verdict).length;
  return `${times('better')} better, ${times('worse')} worse, ${times('the same within noise')} the same within noise`;
}

function scenarioLines(
  { name, title, loadDiffers, figures }: ComparedScenario,
  width: number,
  paint: Paint,
): string[] {
  const heading = wrap(`${name}: ${title}`, width).map((line) => paint('bold', line));
  if (loadDiffers) {
    return [...heading, paint('yellow', '! Not compared: the load was another one under this name.')];
  }
  if (figures.length === 0) return [...heading, paint('dim', 'Nothing that both have.')];
  const old = aligned(figures.map((figure) => sideOf(figure.old, paint)));
  const now = aligned(figures.map((figure) => sideOf(figure.new, paint)));
  const rows = figures.flatMap(({ server, name: figure, ratio, verdict }, at): Row[] => [
    ...(server === figures[at - 1]?.server ? [] : [{ label: server, cells: [] }]),
    {
      label: `  ${FIGURES[figure].heading}`,
      cells: [
        old[at] ?? '',
        now[at] ?? '',
        ratio === undefined ? '-' : formatRatio(ratio),
        paint(STYLES[verdict], verdict),
      ],
    },
  ]);
  const headings = ['before', 'now', 'now/before', ''].map((text) => paint('dim', text));
  return [...heading, ...table(headings, rows, width)];
}

function sideOf(figure: Figure, paint: Paint): string[] {
  return [formatNumber(figure.median), paint('dim', formatSpread(figure))];
}

function nameOf({ date, commit }: Comparison['old']): string {
  return commit === undefined ? date : `${commit.slice(0, 10)} (${date})`;
}

function missingText({ from, scenario, server }: Missing): string {
  const what = server === undefined ? scenario : `${server} in ${scenario}`;
  return from === 'old' ? `${what}: new, nothing to compare with` : `${what}: not measured this time`;
}
