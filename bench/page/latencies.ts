/** How the latencies of each server are spread: a row each, on one logarithmic scale. */
import * as Plot from '@observablehq/plot';
import { percentile } from '../histogram.ts';
import { logScale, spread, ticks } from '../print/distribution.ts';
import { formatTime } from '../print/format.ts';
import type { ScenarioResult } from '../types.ts';
import type { Html } from './html.ts';
import { colourOf, labelOf } from './looks.ts';
import { axisLabels, GRID, panel } from './picture.ts';

const STEPS = 96;
const ROW = 34;
/** Of a row, for the highest step. */
const HEIGHT = 0.82;

/** With few values their spread is noise: each is a stroke instead. */
const FEW = 500;

export function latencies({ scenario, results }: ScenarioResult): Html | undefined {
  const shown = results.filter(({ lastByte }) => lastByte.totalCount > 0);
  if (shown.length === 0) return undefined;
  const scale = logScale(shown.map(({ lastByte }) => lastByte));
  const place = (step: number) => scale.low * (scale.high / scale.low) ** (step / STEPS);

  const rows = shown.map((result, row) => ({
    row,
    colour: colourOf(result.server),
    label: labelOf(result.server),
    few: result.lastByte.totalCount < FEW,
    counts: spread(result.lastByte, scale, STEPS),
    marks: [
      { name: 'p50', value: percentile(result.lastByte, 50) },
      { name: 'p99', value: percentile(result.lastByte, 99) },
      { name: 'p99.9', value: percentile(result.lastByte, 99.9) },
      { name: 'max', value: result.lastByte.maxValue },
    ].filter((mark): mark is { name: string; value: number } => mark.value !== undefined),
    result,
  }));
  const steps = rows
    .filter(({ few }) => !few)
    .flatMap(({ row, colour, counts }) => {
      const most = Math.max(...counts);
      return counts.flatMap((count, step) =>
        count === 0
          ? []
          : { row, colour, from: place(step), to: place(step + 1), top: row - (HEIGHT * count) / most },
      );
    });
  const strokes = rows
    .filter(({ few }) => few)
    .flatMap(({ row, colour, counts }) =>
      counts.flatMap((count, step) => (count === 0 ? [] : { row, colour, at: place(step + 0.5) })),
    );
  const marks = rows.flatMap(({ row, marks: all }) => all.map((mark) => ({ row, ...mark })));
  const inner = marks.filter(({ name }) => name !== 'max');

  const hint = rows.every(({ few }) => few)
    ? 'of each request to the last byte; the bold stroke is the median'
    : 'to the last byte; strokes are p50, p99 and p99.9, the line ends at the slowest';
  return panel('Latency', hint, {
    title: `Latencies in ${scenario.name}`,
    description: rows
      .map(
        ({ result, marks: all }) =>
          `${result.server}: ${all.map(({ name, value }) => `${name} ${formatTime(value)}`).join(', ')}`,
      )
      .join('; '),
    plot: {
      height: 44 + ROW * rows.length,
      marginLeft: 98,
      marginRight: 16,
      marginTop: 14,
      marginBottom: 28,
      x: { type: 'log', domain: [scale.low, scale.high], label: null },
      y: { domain: [rows.length - 0.62, -0.95], axis: null },
      marks: [
        Plot.gridX(ticks(scale), GRID),
        axisLabels(Plot.axisX, ticks(scale), formatTime),
        Plot.ruleY(
          marks.filter(({ name }) => name === 'max'),
          {
            y: 'row',
            x1: scale.low,
            x2: 'value',
            stroke: 'var(--soft)',
            strokeWidth: 1,
          },
        ),
        Plot.rect(steps, {
          x1: 'from',
          x2: 'to',
          y1: 'row',
          y2: 'top',
          fill: 'colour',
          insetLeft: -0.1,
          insetRight: -0.1,
        }),
        Plot.ruleX(strokes, {
          x: 'at',
          y1: 'row',
          y2: (stroke: { row: number }) => stroke.row - 0.5,
          stroke: 'colour',
        }),
        Plot.ruleX(inner, {
          x: 'value',
          y1: (mark: { row: number }) => mark.row + 0.16,
          y2: (mark: { row: number }) => mark.row - 0.3,
          stroke: 'var(--ink)',
          strokeWidth: 1.5,
          title: (mark: { name: string; value: number }) => `${mark.name}: ${formatTime(mark.value)}`,
        }),
        Plot.text(rows, {
          x: scale.low,
          y: 'row',
          text: 'label',
          dx: -8,
          dy: -6,
          textAnchor: 'end',
          lineHeight: 1.05,
          fill: 'currentColor',
        }),
      ],
    },
  });
}
