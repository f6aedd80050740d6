import { readFileSync } from 'node:fs';

import test from 'ava';

import { DOCUMENT, page } from '../../scripts/diagrams.ts';
import { connectionMachine } from '../../src/machines/connection.ts';
import { poolMachine } from '../../src/machines/pool.ts';

const pictures = [...page().matchAll(/```mermaid\n(.*?)```/gs)].map(([, text]) =>
  (text as string).trimEnd().split('\n'),
);

test('docs/machines.md is what the definitions say: else run `npm run diagrams`', (t) => {
  t.is(readFileSync(DOCUMENT, 'utf8'), page());
});

test('there is a picture of each machine, with each of its states', (t) => {
  t.is(pictures.length, 2);
  for (const [index, machine] of [connectionMachine, poolMachine].entries()) {
    for (const state of Object.keys(machine.states)) {
      const declared = pictures[index]?.some((line) =>
        /^ {2}state (?:"(.*)" as )?(\S+)$/.exec(line)?.slice(1).includes(state),
      );
      t.true(declared, state);
    }
  }
});

test("every line of a picture is one of Mermaid's state diagrams", (t) => {
  const name = String.raw`(?:\[\*\]|[a-z_]+)`;
  const line = new RegExp(
    [
      String.raw`state (?:"[a-z-]+" as )?[a-z_]+`,
      // What follows a colon may have neither a colon nor a semicolon, and no hash.
      String.raw`[a-z_]+ : [^:;#\n]+`,
      String.raw`${name} --> ${name}(?: : [^:;#\n]+)?`,
    ]
      .map((kind) => `^  ${kind}$`)
      .join('|'),
  );
  for (const [first, ...lines] of pictures) {
    t.is(first, 'stateDiagram-v2');
    for (const text of lines) t.regex(text, line);
  }
});

test('what changes nothing is in the tables and not in the pictures', (t) => {
  for (const lines of pictures) t.false(lines.some((line) => line.includes('unexpected')));
  t.false(pictures[0]?.some((line) => line.includes('SLOT_AWAITED')));
  t.regex(page(), /\| `SLOT_AWAITED` \|  \| ignored \|  \|/);
  t.regex(page(), /\| `BYTES` \|  \| impossible \|  \|/);
});
