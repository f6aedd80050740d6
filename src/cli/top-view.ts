import type { Latency, SlowRequest, Summary } from '../index.ts';
import { IN_ORDER } from '../telemetry/facts.ts';
import { printable } from '../telemetry/format.ts';
import { histogram, sparkline } from './top-chart.ts';
import {
  dayAndMinute,
  formatBytes,
  formatCount,
  formatDuration,
  formatShort,
  formatTime,
  timeOfDay,
} from './format.ts';
import { requestRate, type History, type Totals } from './top-history.ts';
import { cut, lineOf, widthOf, type Look, type Span, type Style } from './top-text.ts';

/** What is known of a server beside what it does. */
export interface TopServer {
  readonly path: string;
  readonly pid: number;
  readonly program: string;
  readonly version: string | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

const LABEL = 10;
/** As wide as what stands before the histogram's columns: 72 of them, two buckets each, fill 80. */
const CHART_LABEL = 8;
const SPARKS = 60;

/** The rows that the histogram takes where there is room, its axis among them. */
const CHART = { least: 4, usual: 6, most: 13 };

/**
 * Draws a server as it stands: at most so many lines, none wider than the terminal. What matters most comes first; where
 * there is little room, the rest is left out.
 */
export function drawTop(server: TopServer, history: History, look: Look): string[] {
  const { last } = history;
  const lines = head(server, last, look);
  if (last === undefined) {
    lines.push([], [['dim', `The first figures come with the end of the first interval.`]]);
  } else {
    const totals = history.totals();
    lines.push([], ...now(last, history, look), ...recently(totals, look));
    const left = look.rows - lines.length;
    const slowest = slowestRows(totals);
    // What the slowest requests do not need, one row apart, is the histogram's; and the other way round.
    const wanted = Math.max(Math.min(left - slowest.length - 1, CHART.most), CHART.usual);
    if (left >= CHART.least) lines.push(...chart(totals, Math.min(wanted, left), look));
    lines.push([], ...slowest);
  }
  return lines.slice(0, look.rows).map((spans) => lineOf(spans, look));
}

/** A server as it stands, in one line: for terminals that can't be drawn on. */
export function lineOfTop(summary: Summary): string {
  const { at, state, latency, open, running, waiting } = summary;
  const failed = Object.entries(summary.ended).reduce(
    (sum, [outcome, count]) => (IN_ORDER.has(outcome) ? sum : sum + count),
    0,
  );
  return [
    `${timeOfDay(at)} ${state}`,
    `${formatCount(requestRate(summary))}/s`,
    ...percentiles(latency),
    `open ${open}`,
    `running ${running}`,
    `waiting ${waiting}`,
    `failed ${failed}`,
  ].join('  ');
}

function head(server: TopServer, last: Summary | undefined, look: Look): Span[][] {
  const state = last?.state ?? '';
  const title = 'simple-ipc top  ';
  const path = printable(server.path);
  const room = Math.max(look.columns - title.length - state.length - 2, 0);
  const shown = widthOf(path) > room ? tail(path, room, look.unicode) : path;
  const gap = ' '.repeat(Math.max(look.columns - title.length - widthOf(shown) - state.length, 0));
  const dot = look.unicode ? ' · ' : ' | ';
  const facts = [
    printable(server.version === null ? server.program : `${server.program} ${server.version}`),
    `pid ${server.pid}`,
    ...(last === undefined
      ? []
      : [
          `up ${formatDuration(last.at - server.startedAt)}, since ${dayAndMinute(server.startedAt)}`,
          formatBytes(last.memory.rss),
        ]),
  ];
  return [[['bold', title], shown, gap, [stateStyle(state), state]], [facts.join(dot)]];
}

/** A path's end says more than its beginning. */
function tail(path: string, columns: number, unicode: boolean): string {
  const ellipsis = unicode ? '…' : '...';
  let kept = path;
  while (kept !== '' && widthOf(kept) + ellipsis.length > columns) kept = kept.slice(1);
  return cut(ellipsis + kept, columns);
}

function now(last: Summary, history: History, look: Look): Span[][] {
  const rate = `${formatCount(requestRate(last))}/s`.padStart(9);
  const sparks = sparkline(
    history.rates,
    Math.min(look.columns - LABEL - rate.length - 1, SPARKS),
    look.unicode,
  );
  const { listening, dispatching } = last.connections;
  const byState = [
    `listening ${formatCount(listening)}`,
    `reading ${formatCount(last.connections['reading-request'])}`,
    `dispatching ${formatCount(dispatching)}`,
    `streaming ${formatCount(last.connections['streaming-response'])}`,
  ];
  const known = Object.values(last.connections).reduce((sum, count) => sum + count, 0);
  if (last.open > known) byState.push(`not known ${formatCount(last.open - known)}`);
  return [
    [label('requests'), ['bold', rate], ' ', ['cyan', sparks]],
    latencyRow(last.latency, `last ${seconds(last.intervalMs)}`),
    [label('open'), byState.join('  ')],
    [
      label('handlers'),
      `running ${formatCount(last.running)}  waiting ${formatCount(last.waiting)}  `,
      counter('abandoned', last.abandoned),
      `  buffered ${formatBytes(last.bufferedBytes)}`,
    ],
  ];
}

function recently(totals: Totals, { columns, unicode }: Look): Span[][] {
  const line = unicode ? '─' : '-';
  const title = ` last ${seconds(totals.ms)} `;
  const hint = ' q: quit ';
  const rule = line.repeat(Math.max(columns - title.length - hint.length - 4, 0));
  const ended = Object.entries(totals.ended).filter(([, count]) => count > 0);
  const outcomes: Span[] = [];
  for (const [outcome, count] of ended)
    outcomes.push('  ', [outcomeStyle(outcome), `${outcome} ${formatCount(count)}`]);
  return [
    [['dim', `${line.repeat(2)}${title}${rule}${hint}${line.repeat(2)}`]],
    latencyRow(totals.latency, ''),
    [label('ended'), ...(outcomes.length > 0 ? outcomes.slice(1) : ['none'])],
    [
      label('trouble'),
      counter('refused', totals.refused),
      '  ',
      counter('accept errors', totals.acceptErrors),
      '  ',
      counter('crashed', totals.crashed),
      '  ',
      counter('dropped', totals.dropped),
    ],
  ];
}

function latencyRow({ p50, p90, p99, max }: Latency, what: string): Span[] {
  return [
    label('latency'),
    percentiles({ p50, p90, p99, max })
      .map((text) => text.padEnd(14))
      .join(''),
    ['dim', what],
  ];
}

function percentiles({ p50, p90, p99, max }: Pick<Latency, 'p50' | 'p90' | 'p99' | 'max'>): string[] {
  return Object.entries({ p50, p90, p99, max }).map(([name, us]) => `${name} ${formatTime(us)}`);
}

function chart({ latency }: Totals, rows: number, { columns, unicode }: Look): Span[][] {
  const drawn = histogram(latency.counts, columns - CHART_LABEL, rows - 1, unicode);
  if (drawn === undefined || drawn.max === 0) return [];
  const top = `${formatShort(drawn.max).padStart(CHART_LABEL - 1)} `;
  return [
    ...drawn.rows.map((row, place): Span[] => [
      ['dim', place === 0 ? top : ' '.repeat(CHART_LABEL)],
      ['cyan', row],
    ]),
    [' '.repeat(CHART_LABEL), ['dim', drawn.axis]],
  ];
}

const COLUMNS = ['began   ', 'slowest', 'ended         ', '   total', ' reading', ' waiting', 'dispatching'];

function slowestRows({ slowest }: Totals): Span[][] {
  if (slowest.length === 0) return [];
  return [[['dim', [...COLUMNS, 'streaming'].join(' ')]], ...slowest.map(slowRow)];
}

function slowRow({ at, connection, outcome, ms, phases }: SlowRequest): Span[] {
  const phase = (name: string) => phases.find(({ state }) => state === name);
  const reading = phase('reading-request');
  const dispatching = phase('dispatching');
  const streaming = phase('streaming-response');
  const time = (value: number | undefined, width: number) =>
    (value === undefined ? '-' : formatTime(value * 1_000)).padStart(width);
  const times = [
    time(ms, 8),
    time(reading?.ms, 8),
    time(dispatching?.waited, 8),
    time(dispatching && dispatching.ms - dispatching.waited, 11),
    time(streaming?.ms, 9),
  ];
  return [
    `${timeOfDay(at)} ${cut(printable(connection), 7).padEnd(7)} `,
    [outcomeStyle(outcome), cut(printable(outcome), 14).padEnd(14)],
    ` ${times.join(' ')}`,
  ];
}

function label(text: string): Span {
  return ['dim', text.padEnd(LABEL)];
}

/** What should be zero. */
function counter(name: string, count: number): Span {
  const text = `${name} ${formatCount(count)}`;
  return count > 0 ? ['yellow', text] : text;
}

function stateStyle(state: string): Style {
  if (state === 'accepting') return 'green';
  return state === 'failed' ? 'red' : 'yellow';
}

function outcomeStyle(outcome: string): Style {
  return IN_ORDER.has(outcome) ? 'green' : 'yellow';
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 9_950 ? 1 : 0)} s`;
}
