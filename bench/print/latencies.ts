/** The latencies of all servers of a scenario, each as a line of small bars on one logarithmic scale. */
import type { ScenarioResult } from '../types.ts';
import { columnsOf, padEnd, padStart } from './columns.ts';
import { percentile } from '../histogram.ts';
import { logScale, spread, ticks, type LogScale } from './distribution.ts';
import { formatTime } from './format.ts';
import { painter, widthOf, type Terminal } from './terminal.ts';

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const NARROWEST_CHART = 24;
const WIDEST_CHART = 60;
const CELL = 9;

/** Latency is better low, so it is the high end that is told. In this order they get their places. */
const PERCENTILES = [
  { name: 'p50', of: 50 },
  { name: 'p99', of: 99 },
  { name: 'max', of: 100 },
  { name: 'p99.9', of: 99.9 },
  { name: 'p90', of: 90 },
];

export function printLatencies({ results }: ScenarioResult, terminal: Terminal): string[] {
  const shown = results.filter(({ lastByte }) => lastByte.totalCount > 0);
  if (shown.length === 0) return [];
  const paint = painter(terminal);
  const labels = Math.max(...shown.map(({ server }) => columnsOf(server)), 'latency'.length);
  const room = widthOf(terminal) - labels - 2;
  const places = Math.max(1, Math.floor((room - NARROWEST_CHART) / CELL));
  const columns = PERCENTILES.slice(0, places).toSorted((a, b) => a.of - b.of);
  const chart = Math.min(room - columns.length * CELL, WIDEST_CHART);
  const scale = logScale(shown.map(({ lastByte }) => lastByte));

  const heading = columns.map(({ name }) => name.padStart(CELL)).join('');
  return [
    `${paint('dim', padEnd('latency', labels))}  ${paint('dim', padEnd(axis(scale, chart), chart))}${paint('dim', heading)}`,
    ...shown.map(({ server, lastByte }) => {
      const values = columns.map(({ of }) => {
        const value = of === 100 ? lastByte.maxValue : percentile(lastByte, of);
        return padStart(value === undefined ? '-' : formatTime(value), CELL);
      });
      return `${padEnd(server, labels)}  ${paint('cyan', bars(spread(lastByte, scale, chart)))}${values.join('')}`;
    }),
  ];
}

/** Any value at all is at least the smallest bar: a tail that is there is seen. */
function bars(counts: readonly number[]): string {
  const most = Math.max(...counts);
  return counts
    .map((count) => (count === 0 ? ' ' : BARS[Math.ceil((count / most) * BARS.length) - 1]))
    .join('');
}

/** The scale's ticks at their places, as far as they do not run into each other. */
function axis(scale: LogScale, columns: number): string {
  let line = '';
  for (const value of ticks(scale)) {
    const place = Math.floor(scale.at(value) * columns);
    const label = `|${formatTime(value)}`;
    if (place < line.length + (line === '' ? 0 : 1) || place + label.length > columns) continue;
    line = line.padEnd(place) + label;
  }
  return line;
}
