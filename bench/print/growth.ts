import type { GrowthResult } from '../types.ts';
import { wrap } from './columns.ts';
import { formatNumber } from './format.ts';
import { table } from './table.ts';
import { painter, widthOf, type Terminal } from './terminal.ts';

/** Above this it is worse than linear: types.ts. */
const LINEAR = 1.1;

export function isWorseThanLinear({ exponent }: GrowthResult): boolean {
  return exponent > LINEAR;
}

export function printGrowth(growth: GrowthResult, terminal: Terminal): string {
  const width = widthOf(terminal);
  const paint = painter(terminal);
  const cells = growth.points.map(({ at, value }) => [at.toLocaleString('en'), formatNumber(value)]);
  const lines = [
    ...wrap(growth.title, width).map((line) => paint('bold', line)),
    ...table(
      cells.map(([at = '']) => paint('dim', at)),
      [
        {
          label: `${growth.figure}, ${unitOf(growth)}`,
          cells: cells.map(([, value = '']) => value),
        },
      ],
      width,
      paint('dim', growth.axis),
    ),
    ...wrap(verdictOf(growth), width).map((line) =>
      paint(isWorseThanLinear(growth) ? 'yellow' : 'green', line),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/** What the exponent says. */
export function verdictOf(growth: GrowthResult): string {
  const { exponent } = growth;
  if (!Number.isFinite(exponent)) return 'Too few points to tell how it grows.';
  const grows = `It grows by the power of ${exponent.toFixed(2)} between the largest points`;
  if (isWorseThanLinear(growth)) return `${grows}: worse than linear.`;
  return exponent < 0.1 ? `It does not grow with ${growth.axis}.` : `${grows}: no worse than linear.`;
}

export function unitOf({ unit }: Pick<GrowthResult, 'unit'>): string {
  return unit === 'us' ? 'µs' : unit;
}
