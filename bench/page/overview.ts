/** All scenarios in one picture: what the first figure of each costs, as a ratio to its baseline. */
import { figureOf } from '../figures.ts';
import * as Plot from '@observablehq/plot';
import { formatRatio } from '../print/format.ts';
import type { ScenarioResult } from '../types.ts';
import { html, type Html } from './html.ts';
import { colourOf } from './looks.ts';
import { axisLabels, draw, GRID, WIDTH, type Picture } from './picture.ts';

interface Line {
  readonly row: number;
  readonly name: string;
  readonly what: string;
  readonly dots: readonly Dot[];
}

interface Dot {
  readonly row: number;
  readonly server: string;
  readonly cost: number;
  readonly colour: string;
  readonly title: string;
}

const KINDS = [
  ['simple-ipc', 'var(--ours)'],
  ['its variants', 'var(--ours-soft)'],
  ['git', 'var(--git)'],
  ['node:net', 'var(--floor)'],
  ['other peers', 'var(--other)'],
] as const;

/** As wide as the page, with the names beside the dots; or as wide as a phone, with the names above them. */
const WIDE = { width: 2 * WIDTH, row: 40, left: 280, nameAbove: false };
const NARROW = { width: WIDTH, row: 46, left: 10, nameAbove: true };

export function overview(scenarios: readonly ScenarioResult[]): Html | undefined {
  const lines: Line[] = [];
  for (const measured of scenarios) {
    const line = lineOf(measured, lines.length);
    if (line !== undefined) lines.push(line);
  }
  if (lines.length === 0) return undefined;
  const colours = new Set(lines.flatMap(({ dots }) => dots.map(({ colour }) => colour)));
  return html`<figure class="overview">
    <figcaption>
      The first figure of each scenario as a multiple of its baseline's; where more is better, the other way
      round. Further left is better.
    </figcaption>
    <p class="keys">
      ${KINDS.filter(([, colour]) => colours.has(colour)).map(
        ([name, colour]) => html`<span><i style="background: ${colour}"></i>${name}</span> `,
      )}
    </p>
    <div class="wide">${draw(pictureOf(lines, WIDE))}</div>
    <div class="narrow">${draw(pictureOf(lines, NARROW))}</div>
  </figure> `;
}

/** Undefined where there is nothing but the baseline. */
function lineOf({ scenario, results }: ScenarioResult, row: number): Line | undefined {
  const [name] = scenario.figures;
  if (name === undefined) return undefined;
  const dots = results.flatMap((result): Dot | [] => {
    const figure = figureOf(result, name);
    if (figure?.ratio === undefined || !(figure.ratio > 0)) return [];
    return {
      row,
      server: result.server,
      cost: figure.better === 'lower' ? figure.ratio : 1 / figure.ratio,
      colour: colourOf(result.server),
      title: `${result.server}: ${formatRatio(figure.ratio)} ${name}`,
    };
  });
  if (dots.length === 0) return undefined;
  return { row, name: scenario.name, what: `${name}, to ${scenario.baseline}`, dots };
}

function pictureOf(lines: readonly Line[], { width, row, left, nameAbove }: typeof WIDE): Picture {
  // Ours are drawn last, over the others.
  const dots = lines.flatMap((line) => line.dots).toSorted((a, b) => Number(isOurs(a)) - Number(isOurs(b)));
  const costs = dots.map(({ cost }) => cost);
  const low = Math.min(0.7, ...costs) / 1.05;
  const high = Math.max(1.5, ...costs) * 1.05;
  const ticks = ticksOf(low, high);
  const place = nameAbove
    ? { dx: 0, dy: -17, textAnchor: 'start' as const }
    : { dx: -left, dy: -7, textAnchor: 'start' as const };
  return {
    title: 'All scenarios: the first figure of each as a multiple of its baseline',
    description: lines
      .map(
        (line) =>
          `${line.name}: ${line.dots.map(({ server, cost }) => `${server} ${formatRatio(cost)}`).join(', ')}`,
      )
      .join('; '),
    plot: {
      width,
      height: 36 + row * lines.length,
      marginLeft: left,
      marginRight: 16,
      marginTop: 4,
      marginBottom: 28,
      x: { type: 'log', domain: [low, high], label: null },
      y: { domain: [lines.length - 0.5, nameAbove ? -0.7 : -0.5], axis: null },
      marks: [
        Plot.ruleY(lines, { y: 'row', stroke: 'var(--line)' }),
        axisLabels(Plot.axisX, ticks, (at) => `${at}×`),
        Plot.gridX(ticks, GRID),
        Plot.ruleX([1], { stroke: 'var(--ink)', strokeDasharray: '3,3' }),
        Plot.dot(dots, {
          x: 'cost',
          y: 'row',
          r: (dot: Dot) => (isOurs(dot) ? 7 : 5),
          fill: 'colour',
          stroke: 'var(--paper)',
          title: 'title',
          sort: null,
        }),
        Plot.text(lines, { x: low, y: 'row', text: 'name', ...place, fontWeight: 600, fill: 'currentColor' }),
        Plot.text(lines, {
          x: nameAbove ? high : low,
          y: 'row',
          text: 'what',
          ...place,
          ...(nameAbove ? { textAnchor: 'end' as const } : { dy: 8 }),
          fill: 'var(--soft)',
          stroke: 'var(--paper)',
          strokeWidth: 4,
        }),
      ],
      r: { type: 'identity' },
    },
  };
}

/** Round ratios, and closer ones where these are too few. */
function ticksOf(low: number, high: number): number[] {
  const [wide = [], close = []] = [
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100],
    [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3],
  ].map((steps) => steps.filter((at) => at >= low && at <= high));
  return wide.length < 4 ? close : wide;
}

function isOurs({ server }: Dot): boolean {
  return server === 'simple-ipc';
}
