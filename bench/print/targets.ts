import type { Target } from '../types.ts';
import { columnsOf, padEnd, padStart, wrap } from './columns.ts';
import { painter, widthOf, type Terminal } from './terminal.ts';

/** What was asked and what was reached are broken into lines beyond this. */
const WIDEST_CELL = 20;
const GAP = '  ';

/** Whether a target was met, as a mark and in a word. */
export function standingOf({ met }: Target): { readonly mark: string; readonly word: string } {
  if (met === undefined) return { mark: '–', word: 'not measured' };
  return met ? { mark: '✓', word: 'met' } : { mark: '✗', word: 'missed' };
}

/** `7 of 9 targets met, 1 missed, 1 not measured`. */
export function summaryOf(targets: readonly Target[]): string {
  const met = targets.filter((target) => target.met === true).length;
  const missed = targets.filter((target) => target.met === false).length;
  const open = targets.length - met - missed;
  return [
    `${met} of ${targets.length} targets met`,
    ...(missed > 0 ? [`${missed} missed`] : []),
    ...(open > 0 ? [`${open} not measured`] : []),
  ].join(', ');
}

export function printTargets(targets: readonly Target[], terminal: Terminal): string {
  const paint = painter(terminal);
  const columnOf = (texts: readonly string[]) =>
    Math.min(Math.max(...texts.map((text) => columnsOf(text))), WIDEST_CELL);
  const numbers = columnOf(targets.map(({ number }) => String(number)));
  const asked = columnOf(targets.map((target) => target.asked));
  const reached = columnOf(targets.map((target) => target.reached));
  const what = Math.min(
    widthOf(terminal) - 1 - numbers - asked - reached - 3 * GAP.length - 1,
    Math.max(...targets.map((target) => columnsOf(target.what))),
  );

  const lines = targets.flatMap((target) => {
    const style = target.met === undefined ? 'dim' : target.met ? 'green' : 'red';
    const cells = [wrap(target.what, what), wrap(target.asked, asked), wrap(target.reached, reached)];
    const height = Math.max(...cells.map((cell) => cell.length));
    return Array.from({ length: height }, (_, at) => {
      const [its = '', limit = '', got = ''] = cells.map((cell) => cell[at] ?? '');
      const head =
        at === 0
          ? `${paint(style, standingOf(target).mark)} ${padStart(String(target.number), numbers)}`
          : padEnd('', numbers + 2);
      return [head, padEnd(its, what), padEnd(paint('dim', limit), asked), paint(style, got)]
        .join(GAP)
        .trimEnd();
    });
  });
  return `${[paint('bold', summaryOf(targets)), ...lines].join('\n')}\n`;
}
