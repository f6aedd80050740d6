import type { Command } from 'commander';
import type { ServerStatus } from '../index.ts';
import { printable } from '../telemetry/format.ts';
import { milliseconds } from './arguments.ts';
import { formatDuration } from './format.ts';
import { plural, say } from './messages.ts';
import { writeOut } from './stdout.ts';

interface StatusFlags {
  readonly json?: true;
  readonly timeout?: number;
}

const NOTES = `
It also answers for a server that hangs or is gone, from what that wrote down when it started.
Exit code 0: it runs, and has answered.
`;

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('Say which server runs at PATH, since when, and how it is.')
    .argument('<PATH>', 'the socket')
    .option('--json', 'print an object')
    .option('--timeout <MS>', 'how long to wait for its own answer (default: 5000)', milliseconds)
    .addHelpText('after', NOTES)
    .action(async (path: string, { json, ...options }: StatusFlags) => {
      const { status } = await import('../index.ts');
      const found = await status(path, options);
      await writeOut(json === true ? `${JSON.stringify(found)}\n` : described(found));
      if (found.problem !== null) say(found.problem);
      process.exitCode = found.live === null ? 1 : 0;
    });
}

function described(status: ServerStatus): string {
  const { live } = status;
  const rows: [string, string | undefined][] = [
    ['program', `${status.program}${status.version === null ? '' : ` ${status.version}`}`],
    ['state', live?.state ?? 'unknown: it has not answered'],
    ['process', `${status.pid}, ${status.process}`],
    ['since', since(status)],
    ['requests', live === null ? undefined : requests(live.stats)],
    ['open now', live === null ? undefined : open(live.stats)],
    [
      'memory',
      live === null ? undefined : `${megabytes(live.memory.rss)} (heap ${megabytes(live.memory.heapUsed)})`,
    ],
    ['runtime', status.runtime],
    ['log', status.log ?? undefined],
  ];
  return rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(10)}${printable(value as string)}\n`)
    .join('');
}

function since({ startedAt, live }: ServerStatus): string {
  const time = new Date(startedAt).toISOString().replace(/\.\d+Z$/u, 'Z');
  return live === null
    ? time
    : `${time} (${live.uptime < 1_000 ? 'less than a second' : formatDuration(live.uptime)})`;
}

type Stats = NonNullable<ServerStatus['live']>['stats'];

/** How requests ended; those who never said a word have made none. */
function requests({ ended: { answered, pinged: _pinged, ...others } }: Stats): string {
  const rest = Object.entries(others)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `, ${count} ${outcome}`);
  return `${answered} answered${rest.join('')}`;
}

function open({ open: connections, running, waiting, refused, acceptErrors, crashed }: Stats): string {
  const counts = Object.entries({ running, waiting, refused: refused + acceptErrors, crashed })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `, ${count} ${what}`);
  return `${plural(connections, 'connection')}${counts.join('')}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
