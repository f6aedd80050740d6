import { styleText } from 'node:util';
import type { RequestReport } from '../telemetry/connection-trace.ts';
import { formatMs, printable } from '../telemetry/format.ts';

/** The longest outcome, `protocol-error` and `handler-failed`. */
const OUTCOME = 14;

/** One line for one request: when it came, how it ended, how long it took, and how long it was in each state. */
export function requestLine(report: RequestReport, colour: boolean): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const outcome = paint(report.outcome === 'answered' ? 'green' : 'yellow', report.outcome.padEnd(OUTCOME));
  const phases = report.phases.map(({ state, ms, waited }) => {
    const wait = waited > 0 ? ` (${formatMs(waited)} for a slot)` : '';
    return `${state} ${formatMs(ms)}${wait}`;
  });
  const reason = report.reason === undefined ? '' : `: ${printable(report.reason)}`;
  const total = formatMs(report.totalMs).padStart(8);
  return `${timeOfDay(report.startedAt)}  ${report.connection.padEnd(4)} ${outcome} ${total}  ${paint('dim', phases.join(', '))}${reason}`;
}

function timeOfDay(at: number): string {
  const date = new Date(at);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${parts.join(':')}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
