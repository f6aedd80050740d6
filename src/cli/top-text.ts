import { styleText } from 'node:util';

/** What a terminal can show. */
export interface Look {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
  /** Block elements and the like, instead of ASCII. */
  readonly unicode: boolean;
}

export type Style = Parameters<typeof styleText>[0];

/** A piece of a line: text, or text in a style. */
export type Span = string | readonly [style: Style, text: string];

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** What takes two columns: East Asian scripts and their full-width forms, and emoji. */
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u;

/** How many columns a text takes, as far as can be known without the terminal. */
export function widthOf(text: string): number {
  // oxlint-disable-next-line no-control-regex -- what is ASCII
  if (/^[\u0000-\u007F]*$/u.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** The text from its beginning, in at most so many columns. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let left = columns;
  for (const { segment } of graphemes.segment(text)) {
    left -= WIDE.test(segment) ? 2 : 1;
    if (left < 0) break;
    kept += segment;
  }
  return kept;
}

/** One line of a view, which is cut where the terminal ends. */
export function lineOf(spans: readonly Span[], { columns, colour, unicode }: Look): string {
  const ellipsis = unicode ? '…' : '...';
  const width = spans.reduce((sum, span) => sum + widthOf(textOf(span)), 0);
  const fits = width <= columns;
  let left = fits ? columns : Math.max(columns - ellipsis.length, 0);
  let line = '';
  for (const span of spans) {
    const text = cut(textOf(span), left);
    left -= widthOf(text);
    line += colour && typeof span !== 'string' ? styleText(span[0], text, { validateStream: false }) : text;
    if (text !== textOf(span)) break;
  }
  return fits ? line : line + cut(ellipsis, columns);
}

function textOf(span: Span): string {
  return typeof span === 'string' ? span : span[1];
}
