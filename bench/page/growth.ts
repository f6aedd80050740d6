/** How a cost grows: a line on two logarithmic scales, beside one that grows linearly. */
import * as Plot from '@observablehq/plot';
import { ticks } from '../print/distribution.ts';
import { formatBytes, formatNumber, formatTime } from '../print/format.ts';
import { isWorseThanLinear, unitOf, verdictOf } from '../print/growth.ts';
import type { GrowthResult } from '../types.ts';
import { html, type Html } from './html.ts';
import { axisLabels, GRID, panel } from './picture.ts';

const ROOM = 10;

export function growthFigure(growth: GrowthResult): Html {
  const { title, axis, figure, points } = growth;
  const sizeOf = (at: number) => (/\bbytes?\b/i.test(axis) ? formatBytes(at) : at.toLocaleString('en'));
  const valueOf = (value: number) =>
    growth.unit === 'us' ? formatTime(value) : `${formatNumber(value)} ${growth.unit}`;
  // A logarithmic scale has no place for nothing.
  const placed = points.filter(({ at, value }) => at > 0 && value > 0);
  const [first] = placed;
  const last = placed.at(-1);
  // The exponent is that of the last three.
  const knee = placed.at(-3) ?? first;
  const none = points.find(({ at, value }) => at === 0 && value > 0);

  const scale = scaleOf(points.map(({ value }) => value).filter((value) => value > 0));
  const steps = spaced(ticks(scale));
  // As far as there is room.
  const linear =
    knee === undefined || last === undefined ? 1 : Math.min(last.at / knee.at, scale.high / knee.value);

  const picture =
    first === undefined || last === undefined || knee === undefined
      ? undefined
      : panel(
          `${figure}, ${unitOf(growth)}`,
          `by ${axis}; dashed: linear growth over the last three points`,
          {
            title: `${title}: ${figure} by ${axis}`,
            description: `${points.map(({ at, value }) => `${sizeOf(at)}: ${valueOf(value)}`).join('; ')}. ${verdictOf(growth)}`,
            plot: {
              height: 250,
              marginLeft: 62,
              marginRight: 62,
              marginTop: 14,
              marginBottom: 30,
              x: { type: 'log', label: null },
              y: { type: 'log', domain: [scale.low, scale.high], label: null },
              marks: [
                Plot.gridY(steps, GRID),
                axisLabels(Plot.axisY, steps, valueOf),
                axisLabels(Plot.axisX, spaced(placed.map(({ at }) => at)), sizeOf),
                Plot.line([knee, { at: knee.at * linear, value: knee.value * linear }], {
                  x: 'at',
                  y: 'value',
                  stroke: 'var(--soft)',
                  strokeDasharray: '4,4',
                }),
                ...(none === undefined
                  ? []
                  : [
                      Plot.text([none], {
                        x: first.at,
                        y: 'value',
                        text: () => `at 0: ${valueOf(none.value)}`,
                        textAnchor: 'start',
                        dy: 14,
                        fill: 'var(--soft)',
                      }),
                    ]),
                Plot.line(placed, { x: 'at', y: 'value', stroke: 'var(--ours)', strokeWidth: 2 }),
                Plot.dot(placed, {
                  x: 'at',
                  y: 'value',
                  fill: 'var(--ours)',
                  r: 3.5,
                  title: (point: { at: number; value: number }) =>
                    `${sizeOf(point.at)}: ${valueOf(point.value)}`,
                }),
                Plot.text([last], {
                  x: 'at',
                  y: 'value',
                  text: () => valueOf(last.value),
                  textAnchor: 'start',
                  dx: 8,
                  fill: 'currentColor',
                  fontWeight: 600,
                }),
              ],
            },
          },
        );

  return html`<figure class="growth">
    <h3>${title}</h3>
    ${picture}
    <figcaption class="${isWorseThanLinear(growth) ? 'warn' : ''}">${verdictOf(growth)}</figcaption>
  </figure> `;
}

/** A factor of ten at least: else a cost that stays the same would look like one that jumps. */
function scaleOf(values: readonly number[]): { low: number; high: number } {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const widen = Math.max(1.15, Math.sqrt((ROOM * low) / high));
  return { low: low / widen, high: high * widen };
}

/** Not more of them than have room. */
function spaced(sizes: readonly number[]): number[] {
  const every = Math.ceil(sizes.length / 7);
  return sizes.filter((_, at) => (sizes.length - 1 - at) % every === 0);
}
