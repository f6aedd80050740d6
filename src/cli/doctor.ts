import type { Command } from 'commander';
import type { Check, Diagnosis, Mark } from '../doctor/types.ts';
import { printable } from '../telemetry/format.ts';
import { milliseconds } from './arguments.ts';
import { hasColours, isUtf8 } from './messages.ts';
import { writeOut } from './stdout.ts';

interface DoctorFlags {
  readonly json?: true;
  readonly timeout?: number;
  readonly deep?: true;
}

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description(
      'Say why the server at PATH cannot be reached: each check from its directory to its answer, the reason, and ' +
        'what to do. Exit code 0: it can be. It connects, which starts a service that waits behind a socket (socket activation).',
    )
    .argument('<PATH>', 'the socket')
    .option('--json', 'print an object with path, healthy, reason, meaning, remedy and checks')
    .option('--timeout <MS>', 'how long it may take to accept, and to answer (default: 1000)', milliseconds)
    .option('--deep', 'also send what is no pkt-line, which a server reports as a protocol error')
    .action(async (path: string, flags: DoctorFlags) => {
      process.exitCode = await examinePath(path, flags);
    });
}

async function examinePath(path: string, { json, ...options }: DoctorFlags): Promise<number> {
  const { examine } = await import('../doctor/index.ts');
  const diagnosis = await examine(path, options);
  const text = json === true ? JSON.stringify(diagnosis) : textOf(diagnosis);
  await writeOut(`${text}\n`);
  return diagnosis.healthy ? 0 : 1;
}

const SIGNS: Readonly<Record<Mark, string>> = {
  ok: '✓',
  failed: '✗',
  warning: '!',
  unknown: '?',
  skipped: '-',
};
const ASCII_SIGNS: Readonly<Record<Mark, string>> = { ...SIGNS, ok: '+', failed: 'x' };
/** As SGR has them: green, red, yellow, yellow, faint. */
const COLOURS: Readonly<Record<Mark, number>> = { ok: 32, failed: 31, warning: 33, unknown: 33, skipped: 2 };

function textOf({ reason, meaning, remedy, healthy, checks }: Diagnosis): string {
  // The terminal of Windows is one of UTF-8, and says nothing.
  const hasSigns = process.platform === 'win32' || isUtf8(process.env);
  const signs = process.stdout.isTTY === true && hasSigns ? SIGNS : ASCII_SIGNS;
  const paint = hasColours(process.stdout)
    ? (mark: Mark, text: string) => `\u001B[${COLOURS[mark]}m${text}\u001B[0m`
    : (_mark: Mark, text: string) => text;
  const width = Math.max(...checks.map(({ name }) => name.length));
  const line = ({ name, mark, detail }: Check) =>
    `${paint(mark, signs[mark])} ${name.padEnd(width)}  ${printable(detail)}`;
  return [
    ...checks.map(line),
    '',
    `${paint(healthy ? 'ok' : 'failed', reason)}: ${meaning}`,
    `To do: ${printable(remedy)}`,
  ].join('\n');
}
