import { styleText } from 'node:util';
import type { Transition } from '../machines/transition.ts';
import type { Phase, RequestReport } from './connection-trace.ts';
import { formatMs, printable } from './format.ts';
import { collectRequests } from './requests.ts';

/** Options of `waterfall`. */
export interface WaterfallOptions {
  /** The longest line, in columns. Default 80; fewer than 48 are taken for 48. */
  width?: number;
  /** Draws with block elements instead of ASCII. Default false. */
  unicode?: boolean;
  /** Colours it by ANSI sequences. Default false. */
  colour?: boolean;
}

const NARROWEST = 48;
/** As wide as the longest name of a state. */
const LABEL = 18;
const TIME = 10;

const UNICODE = { bar: '█', wait: '░', instant: '▏', ellipsis: '…' };
const ASCII = { bar: '#', wait: '.', instant: '|', ellipsis: '...' };
type Glyphs = typeof UNICODE;

/**
 * Draws the transitions of one connection: its states, one a line, with the time spent in each as a bar. A state too short
 * for a bar is a stroke. Empty where the transitions do not reach the connection's end.
 */
export function waterfall(transitions: Iterable<Transition>, options: WaterfallOptions = {}): string {
  let ended: RequestReport | undefined;
  const collect = collectRequests((report) => (ended = report));
  for (const transition of transitions) collect(transition);
  return ended === undefined ? '' : draw(ended, options);
}

function draw(report: RequestReport, options: WaterfallOptions): string {
  const width = Math.max(options.width ?? 80, NARROWEST);
  const glyphs = options.unicode === true ? UNICODE : ASCII;
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    options.colour === true ? styleText(style, text, { validateStream: false }) : text;

  const title = `${report.connection}: ${report.outcome} in ${formatMs(report.totalMs)}`;
  const lines = [paint(report.outcome === 'answered' ? 'green' : 'yellow', fit(title, width, glyphs))];
  for (const phase of report.phases) {
    const bar = barOf(phase, report.totalMs, width - LABEL - TIME - 2, glyphs);
    lines.push(`${phase.state.padEnd(LABEL)} ${paint('cyan', bar)} ${formatMs(phase.ms).padStart(TIME)}`);
  }
  const waited = report.phases.reduce((sum, phase) => sum + phase.waited, 0);
  if (waited > 0) lines.push(`${glyphs.wait} of it waiting for a free slot: ${formatMs(waited)}`);
  if (report.reason !== undefined) lines.push(fit(printable(report.reason), width, glyphs));
  return `${lines.join('\n')}\n`;
}

/** A bar at its place in the whole, which is `columns` wide. */
function barOf({ start, ms, waited }: Phase, total: number, columns: number, glyphs: Glyphs): string {
  const scale = total > 0 ? columns / total : 0;
  const begin = Math.min(Math.round(start * scale), columns - 1);
  const length = Math.min(Math.round((start + ms) * scale), columns) - begin;
  if (length <= 0) return `${' '.repeat(begin)}${glyphs.instant}`.padEnd(columns);
  const waiting = Math.min(Math.round(waited * scale), length);
  return `${' '.repeat(begin)}${glyphs.wait.repeat(waiting)}${glyphs.bar.repeat(length - waiting)}`.padEnd(
    columns,
  );
}

function fit(line: string, width: number, { ellipsis }: Glyphs): string {
  return line.length <= width ? line : `${line.slice(0, width - ellipsis.length)}${ellipsis}`;
}
