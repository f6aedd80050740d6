/** Writes the tables of docs/ that stand in the code. `npm run tables`; tests fail when they are stale. */
import { readFileSync } from 'node:fs';

import { REASONS } from '../src/doctor/index.ts';
import { ATTRIBUTES, DURATION_BUCKETS, EVENTS, METRICS } from '../src/telemetry/conventions.ts';
import { DROP_REASONS } from '../src/telemetry/start.ts';
import { writeIfStale } from './write-if-stale.ts';

export const DOCUMENTS = ['telemetry', 'operations'].map(
  (name) => new URL(`../docs/${name}.md`, import.meta.url),
);

const code = (text: string) => `\`${text}\``;

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), `|${header.map(() => '---|').join('')}`, ...rows.map((row) => line(row))].join('\n');
}

const TABLES: Readonly<Record<string, () => string>> = {
  attributes: () =>
    table(
      ['Attribute', 'Type', 'On', 'At creation', 'Means'],
      Object.values(ATTRIBUTES).map(({ name, type, on, atCreation, means }) => [
        code(name),
        type,
        on,
        atCreation ? 'yes' : '',
        means,
      ]),
    ),
  events: () =>
    table(
      ['Event', 'On', 'Means'],
      EVENTS.map(({ name, on, means }) => [code(name), on, means]),
    ),
  metrics: () =>
    table(
      ['Metric', 'Instrument', 'Unit', 'Attributes', 'Means'],
      Object.values(METRICS).map(({ name, instrument, unit, attributes, means }) => [
        code(name),
        instrument,
        code(unit),
        attributes.map((attribute) => code(attribute)).join(', '),
        means,
      ]),
    ),
  drops: () =>
    table(
      ['Reason', 'Means'],
      Object.entries(DROP_REASONS).map(([reason, means]) => [code(reason), means]),
    ),
  reasons: () =>
    table(
      ['Reason', 'Meaning', 'To do'],
      Object.entries(REASONS).map(([reason, { meaning, remedy }]) => [code(reason), meaning, remedy]),
    ),
  buckets: () => `Buckets, in seconds: ${DURATION_BUCKETS.join(', ')}.`,
};

/** The text, with each table between its two marks made anew. */
export function withTables(text: string): string {
  return text.replace(
    /(<!-- (?<name>\w+) -->\n).*?(<!-- end -->)/gs,
    (_all, start: string, name: string, end: string) => {
      const make = TABLES[name];
      if (make === undefined) throw new Error(`There is a mark '${name}', which is no table.`);
      return `${start}${make()}\n${end}`;
    },
  );
}

if (import.meta.main) {
  for (const document of DOCUMENTS) writeIfStale(document, withTables(readFileSync(document, 'utf8')));
}
