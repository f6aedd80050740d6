/** The first figure of a scenario: a bar for each server, the range of its rounds, and the baseline as a line. */
import * as Plot from '@observablehq/plot';
import { FIGURES, figureOf } from '../figures.ts';
import { formatNumber, formatRatio } from '../print/format.ts';
import { isSaturated } from '../print/notes.ts';
import type { ScenarioResult } from '../types.ts';
import type { Html } from './html.ts';
import { colourOf, labelOf } from './looks.ts';
import { GRID, panel } from './picture.ts';

const ROW = 34;

export function bars({ scenario, results }: ScenarioResult): Html | undefined {
  const [name] = scenario.figures;
  if (name === undefined) return undefined;
  const rows = results.flatMap((result) => {
    const figure = figureOf(result, name);
    return figure === undefined ? [] : { result, figure };
  });
  const [first] = rows;
  if (first === undefined) return undefined;
  const { better } = first.figure;
  const { heading, means, needsGenerator } = FIGURES[name];
  const data = rows.map(({ result, figure }, row) => ({
    row,
    colour: colourOf(result.server),
    label: labelOf(result.server),
    median: figure.median,
    min: figure.min,
    max: figure.max,
    doubtful: needsGenerator && isSaturated(result),
    value: `${formatNumber(figure.median)}${needsGenerator && isSaturated(result) ? ' !' : ''}`,
    ratio: figure.ratio === undefined ? '' : formatRatio(figure.ratio),
    title: `${result.server}: ${formatNumber(figure.median)}, from ${formatNumber(figure.min)} to ${formatNumber(figure.max)}`,
  }));
  const baseline = data[rows.findIndex(({ result }) => result.server === scenario.baseline)];
  const low = Math.min(0, ...data.map(({ min }) => min));
  const high = Math.max(...data.map(({ max }) => max), low + 1e-9);

  return panel(heading, `${better} is better; the thin line is the range of the rounds`, {
    title: `${heading} in ${scenario.name}: ${means}`,
    description: data.map(({ title, ratio }) => (ratio === '' ? title : `${title}, ${ratio}`)).join('; '),
    plot: {
      height: 44 + ROW * data.length,
      marginLeft: 98,
      marginRight: 104,
      marginTop: 14,
      marginBottom: 28,
      x: { domain: [low, high], label: null },
      y: { domain: [data.length - 0.62, -0.95], axis: null },
      marks: [
        Plot.gridX({ ...GRID, ticks: 4 }),
        Plot.axisX({
          ticks: 4,
          tickSize: 0,
          fill: 'var(--soft)',
          tickFormat: (value: number) => formatNumber(value),
        }),
        Plot.rect(data, {
          x1: 0,
          x2: 'median',
          y1: (bar: { row: number }) => bar.row,
          y2: (bar: { row: number }) => bar.row - 0.5,
          fill: 'colour',
          // What the generator limited is no measure of the server.
          fillOpacity: (bar: { doubtful: boolean }) => (bar.doubtful ? 0.35 : 1),
          title: 'title',
        }),
        Plot.ruleY(data, {
          y: (bar: { row: number }) => bar.row - 0.25,
          x1: 'min',
          x2: 'max',
          stroke: 'var(--ink)',
          strokeWidth: 1.5,
        }),
        ...(baseline === undefined
          ? []
          : [
              Plot.ruleX([baseline.median], {
                stroke: 'var(--ink)',
                strokeDasharray: '3,3',
                strokeOpacity: 0.7,
              }),
            ]),
        Plot.text(data, {
          x: low,
          y: (bar: { row: number }) => bar.row - 0.25,
          text: 'label',
          dx: -8,
          textAnchor: 'end',
          lineHeight: 1.05,
          fill: 'currentColor',
        }),
        Plot.text(data, {
          y: (bar: { row: number }) => bar.row - 0.25,
          text: 'value',
          frameAnchor: 'right',
          textAnchor: 'end',
          dx: 54,
          fill: 'currentColor',
          fontWeight: 600,
          fontVariant: 'tabular-nums',
        }),
        Plot.text(data, {
          y: (bar: { row: number }) => bar.row - 0.25,
          text: 'ratio',
          frameAnchor: 'right',
          textAnchor: 'end',
          dx: 100,
          fill: 'var(--soft)',
          fontVariant: 'tabular-nums',
        }),
      ],
    },
  });
}
