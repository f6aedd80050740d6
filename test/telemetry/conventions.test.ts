import { readFileSync } from 'node:fs';
import test from 'ava';
import { DOCUMENTS, withTables } from '../../scripts/tables.ts';
import { EVENTS } from '../../src/telemetry/conventions.ts';
import { PHASES } from '../../src/telemetry/facts.ts';
import { VERSION } from '../../src/version.ts';

test('the tables of docs/ are what the code says: else run `npm run tables`', (t) => {
  const texts = DOCUMENTS.map((document) => readFileSync(document, 'utf8'));
  for (const text of texts) t.is(text, withTables(text));
  t.deepEqual(
    texts.map((text) => text.match(/<!-- end -->/g)?.length),
    [5, 1],
  );
});

test('every phase is an event, in the same order', (t) => {
  for (const side of ['server', 'client'] as const) {
    t.deepEqual(
      EVENTS.filter(({ on }) => on === side).map(({ name }) => name),
      [...PHASES[side]],
    );
  }
});

test('the version is that of the package', (t) => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  t.is(VERSION, version);
});
