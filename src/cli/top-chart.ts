import { BOUNDS } from '../control/histogram.ts';

/** From nothing to full. */
interface Levels {
  readonly flat: string;
  /** Of a column that is several rows high. */
  readonly tall: string;
}

const UNICODE: Levels = { flat: ' ▁▂▃▄▅▆▇█', tall: ' ▁▂▃▄▅▆▇█' };
const ASCII: Levels = { flat: ' .:-=+*#@', tall: ' .:#' };

/** What the bounds of the histogram are at each decade. */
const DECADES = ['10us', '100us', '1ms', '10ms', '100ms', '1s', '10s', '100s'];
/** How many buckets a decade has. */
const STEPS = (BOUNDS.length - 1) / (DECADES.length - 1);
/** How many of them a column may stand for, so that the decades stay apart evenly. */
const GROUPS = [1, 2, 4, 5, 10, 20];
/** The least distance of two labels, in columns. */
const APART = 8;

/** The last values as a line of bars, the newest at the right. What is above none is seen. */
export function sparkline(values: readonly number[], columns: number, unicode: boolean): string {
  const { flat } = unicode ? UNICODE : ASCII;
  const shown = columns > 0 ? values.slice(-columns) : [];
  const max = Math.max(...shown, 0);
  return shown.map((value) => flat[levelOf(value, max, flat.length - 1)]).join('');
}

/**
 * A histogram of the latency as columns, so many rows high, and the axis below it: from 10 us to 100 s, so that it stands
 * still. Empty where there is no room for it.
 */
export function histogram(
  counts: readonly number[],
  columns: number,
  rows: number,
  unicode: boolean,
): { readonly rows: readonly string[]; readonly axis: string; readonly max: number } | undefined {
  // The first column is all below the first bound, and the last all above the last.
  const widthBy = (group: number) => (BOUNDS.length - 1) / group + 2;
  const group = GROUPS.find((candidate) => widthBy(candidate) <= columns);
  if (group === undefined || rows < 1) return undefined;
  const { tall } = unicode ? UNICODE : ASCII;
  const steps = tall.length - 1;
  const values = grouped(counts, group);
  const max = Math.max(...values);
  const levels = values.map((value) => levelOf(value, max, rows * steps));
  return {
    rows: Array.from({ length: rows }, (_, row) => {
      const below = (rows - 1 - row) * steps;
      return levels.map((level) => tall[Math.min(Math.max(level - below, 0), steps)]).join('');
    }),
    axis: axisOf(group),
    max,
  };
}

function grouped(counts: readonly number[], group: number): number[] {
  const values = [counts[0] ?? 0];
  for (let at = 1; at < BOUNDS.length; at += group) {
    values.push(counts.slice(at, at + group).reduce((sum, count) => sum + count, 0));
  }
  return [...values, counts[BOUNDS.length] ?? 0];
}

/** The name of each decade below the column that ends with it, as far as they have room. */
function axisOf(group: number): string {
  const every = Math.ceil((APART * group) / STEPS);
  let axis = '';
  // The last bound stands at the end, where its name has no room.
  for (const [decade, name] of DECADES.slice(0, -1).entries()) {
    if (decade % every === 0) axis = axis.padEnd((decade * STEPS) / group) + name;
  }
  return axis;
}

function levelOf(value: number, max: number, levels: number): number {
  return value <= 0 ? 0 : Math.max(Math.round((value / max) * levels), 1);
}
