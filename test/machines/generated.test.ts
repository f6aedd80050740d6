import { deepEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

import test from 'ava';
import * as fc from 'fast-check';

import { MACHINES, moduleOf } from '../../scripts/machines.ts';
import { compile } from '../../src/machines/compile.ts';
import type { Written } from '../../src/machines/implementations.ts';
import { eventSequence, machineSpec, makeMachine } from './random-machine.ts';
import { compiled, interpreted, run, type Note, type Way } from './twins.ts';

for (const { file, text } of MACHINES) {
  test(`${file.pathname.split('/').at(-1)} is what the definition says: else run \`npm run diagrams\``, (t) => {
    t.is(readFileSync(file, 'utf8'), text());
  });
}

/** What the code of a module gives that was written out for a machine called `random`. */
async function load(code: string): Promise<Written> {
  const module = `data:text/javascript,${encodeURIComponent(stripTypeScriptTypes(code))}`;
  return ((await import(module)) as { randomTransitions: Written }).randomTransitions;
}

test('a random machine behaves the same, written out as code, by its table and interpreted', async (t) => {
  const reached = { done: 0, error: 0, active: 0, moved: 0 };
  await t.notThrowsAsync(
    fc.assert(
      fc.asyncProperty(
        machineSpec,
        fc.array(eventSequence, { minLength: 1, maxLength: 5 }),
        async (spec, sequences) => {
          const make = (note: Note) => makeMachine(spec, note);
          const written = await load(moduleOf('random', make(() => 0).machine));
          const asCode: Way = (machine) => compile(machine, written);
          for (const sequence of sequences) {
            const { notes, last } = run(asCode, make, (_, index) => sequence[index]);
            for (const way of [compiled, interpreted])
              deepEqual(run(way, make, (_, index) => sequence[index]).notes, notes);
            reached[last.status as 'done']++;
            if (last.value !== 's0') reached.moved++;
          }
        },
      ),
      { numRuns: 300 },
    ),
  );
  for (const [what, times] of Object.entries(reached)) t.true(times > 30, `${what}: ${times}`);
});

test('what cannot be the name of a constant cannot be written out', (t) => {
  const { machine } = makeMachine(
    { initial: 's0', states: { s0: { on: { A: { guard: 'a.b' } } } }, contextFromInput: false },
    () => undefined,
  );
  machine.implementations.guards['a.b'] = () => true;
  t.throws(() => moduleOf('random', machine), { message: /'a\.b' cannot be the name of a constant/ });
  machine.implementations.guards['note'] = () => true;
  const both = { A: { guard: 'note', actions: ['note'] } };
  const clash = makeMachine(
    { initial: 's0', states: { s0: { on: both } }, contextFromInput: false },
    () => undefined,
  );
  clash.machine.implementations.guards['note'] = () => true;
  t.throws(() => moduleOf('random', clash.machine), { message: /'note' is the name of two things/ });
  const taken = { A: { actions: ['state'] } };
  const hidden = makeMachine(
    { initial: 's0', states: { s0: { on: taken } }, contextFromInput: false },
    () => undefined,
  );
  hidden.machine.implementations.actions['state'] = () => undefined;
  t.throws(() => moduleOf('random', hidden.machine), { message: /'state' cannot be the name of a constant/ });
  const dated = { A: { actions: [{ type: 'note', params: { at: new Date(0) } }] } };
  const { machine: odd } = makeMachine(
    { initial: 's0', states: { s0: { on: dated } }, contextFromInput: false },
    () => undefined,
  );
  t.throws(() => moduleOf('random', odd), { message: /cannot be written out as code/ });
});
