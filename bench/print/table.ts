/** Plain tables: a column of labels, then columns of figures, aligned to the right. */
import { columnsOf, padEnd, padStart } from './columns.ts';

export interface Row {
  /** May be coloured, as the cells may. */
  readonly label: string;
  readonly cells: readonly string[];
}

const GAP = '   ';

/**
 * The lines of a table; `corner` is over the labels. Columns that do not fit into the width come in a further table below, with the labels again.
 */
export function table(
  headings: readonly string[],
  rows: readonly Row[],
  width: number,
  corner = '',
): string[] {
  const labels = Math.max(columnsOf(corner), ...rows.map(({ label }) => columnsOf(label)));
  const widths = headings.map((heading, at) =>
    Math.max(columnsOf(heading), ...rows.map(({ cells }) => columnsOf(cells[at] ?? ''))),
  );
  const lines: string[] = [];
  for (const columns of blocks(widths, width - labels)) {
    const line = (label: string, cells: readonly string[]) =>
      [padEnd(label, labels), ...columns.map((at) => padStart(cells[at] ?? '', widths[at] ?? 0))]
        .join(GAP)
        .trimEnd();
    if (lines.length > 0) lines.push('');
    lines.push(line(corner, headings), ...rows.map(({ label, cells }) => line(label, cells)));
  }
  return lines;
}

/** Cells of several parts each, with every part below that of the row above. */
export function aligned(cells: readonly (readonly string[])[]): string[] {
  const parts = Math.max(0, ...cells.map((cell) => cell.length));
  const widths = Array.from({ length: parts }, (_, at) =>
    Math.max(...cells.map((cell) => columnsOf(cell[at] ?? ''))),
  );
  return cells.map((cell) =>
    widths.flatMap((width, at) => (width === 0 ? [] : padStart(cell[at] ?? '', width))).join(' '),
  );
}

/** Which columns stand beside each other. */
function blocks(widths: readonly number[], room: number): number[][] {
  const all: number[][] = [];
  let left = 0;
  for (const [at, width] of widths.entries()) {
    const last = all.at(-1);
    if (last === undefined || width + GAP.length > left) {
      all.push([at]);
      left = room;
    } else {
      last.push(at);
    }
    left -= width + GAP.length;
  }
  return all;
}
