import { printable } from '../../src/telemetry/format.ts';
import type { Report } from '../types.ts';
import { wrap } from './columns.ts';
import { count, formatBytes } from './format.ts';
import { printGrowth } from './growth.ts';
import { printScenario } from './scenario.ts';
import { printTargets } from './targets.ts';
import { painter, widthOf, type Terminal } from './terminal.ts';

/** All of a report. */
export function printReport(report: Report, terminal: Terminal): string {
  return [
    printHead(report, terminal),
    ...report.scenarios.map((scenario) => printScenario(scenario, terminal)),
    ...report.growth.map((growth) => printGrowth(growth, terminal)),
    ...(report.targets.length === 0 ? [] : [printTargets(report.targets, terminal)]),
  ].join('\n');
}

/** When, where and by what it was measured. */
function printHead(report: Report, terminal: Terminal): string {
  const paint = painter(terminal);
  const lines = factsOf(report).flatMap(([name, value]) =>
    wrap(`${name}: ${value}`, widthOf(terminal), '  ').map((line) => paint('dim', line)),
  );
  return `${lines.join('\n')}\n`;
}

/** The same, for whoever shows it. */
export function factsOf({
  date,
  command,
  machine,
  commit,
  scenarios,
}: Report): [name: string, value: string][] {
  // What stands behind a comma is a variant of the same program.
  const versions = new Map(
    scenarios
      .flatMap(({ results }) => results)
      .map(({ server, version }) => [server.replace(/,.*/, ''), version] as const),
  );
  const facts: [string, string][] = [
    ['Measured', date],
    ['Command', command],
    [
      'Machine',
      `${machine.cpu}, ${count(machine.cores, 'core')}, ${formatBytes(machine.memory)}, ${machine.os}`,
    ],
    ['Node.js', machine.node],
    ...(commit === undefined ? [] : [['Commit', commit] satisfies [string, string]]),
    ['Servers', [...versions].map(([server, version]) => `${server} ${version}`).join('; ')],
  ];
  return facts.map(([name, value]) => [name, printable(value)]);
}
