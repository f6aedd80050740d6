/** The table at the end of a run. */
import type { Entry, Started } from './entries.ts';

/** Actions and what came of them, and how long starts and takeovers took. */
export function table(entries: readonly Entry[]): string {
  const rows = new Map<string, Map<string, number>>();
  for (const entry of entries) {
    const name = actionOf(entry);
    if (name === undefined) continue;
    const row = rows.get(name) ?? new Map<string, number>();
    const outcome = ('outcome' in entry ? entry.outcome : 'ok').replace('SIMPLE_IPC_', '');
    rows.set(name, row.set(outcome, (row.get(outcome) ?? 0) + 1));
  }
  const width = Math.max(...[...rows.keys()].map(({ length }) => length));
  const lines = [...rows]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, row]) =>
        `${name.padEnd(width)}  ${[...row].map(([what, count]) => `${count} ${what}`).join(', ')}`,
    );
  const starts = entries.filter((entry) => entry.kind === 'start' && entry.outcome === 'ok') as Started[];
  return [
    ...lines,
    '',
    latency(
      'start',
      starts.filter(({ takeover }) => !takeover),
    ),
    latency(
      'takeover',
      starts.filter(({ takeover }) => takeover),
    ),
  ].join('\n');
}

function actionOf(entry: Entry): string | undefined {
  switch (entry.kind) {
    case 'start':
      return `${entry.takeover ? 'takeover' : 'start'} by ${entry.manner}`;
    case 'end':
      return entry.manner;
    case 'request':
      return `${entry.what} request${entry.isCommand ? ' by send' : ''}${entry.mayStart ? ' with start' : ''}`;
    case 'probe':
    case 'status':
      return entry.kind;
    case 'server':
      return entry.event === 'IDLE' ? 'idle exit' : undefined;
    default:
      return undefined;
  }
}

function latency(name: string, starts: readonly Started[]): string {
  const times = starts.map(({ at, end }) => end - at).toSorted((a, b) => a - b);
  const at = (fraction: number) => times[Math.min(Math.floor(times.length * fraction), times.length - 1)];
  if (times.length === 0) return `${name}: none`;
  const ms = (fraction: number) => `${(at(fraction) as number).toFixed(0)} ms`;
  return `${name}: ${times.length}, median ${ms(0.5)}, p99 ${ms(0.99)}`;
}
