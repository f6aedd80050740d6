import { deepEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

import test from 'ava';
import * as fc from 'fast-check';
import type { AnyStateMachine } from 'xstate';

import { MACHINES, moduleOf } from '../../scripts/machines.ts';
import type { Written } from '../../src/machines/implementations.ts';
import { eventSequence, machineSpec, makeMachine, type TransitionSpec } from './random-machine.ts';
import { compiled, interpreted, run, writtenOut, type Note } from './twins.ts';

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
          const asCode = writtenOut(written);
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

/** A machine that does this on `A`; `added` are implementations that random machines have not. */
function machineOn(
  A: TransitionSpec,
  added: { readonly guard?: string; readonly action?: string } = {},
): AnyStateMachine {
  const { machine } = makeMachine(
    { initial: 's0', states: { s0: { on: { A } } }, contextFromInput: false },
    () => undefined,
  );
  if (added.guard !== undefined) machine.implementations.guards[added.guard] = () => true;
  if (added.action !== undefined) machine.implementations.actions[added.action] = () => undefined;
  return machine;
}

for (const [machine, message] of [
  [machineOn({ guard: 'a.b' }, { guard: 'a.b' }), /'a\.b' cannot be the name of a constant/],
  [machineOn({ guard: 'note', actions: ['note'] }, { guard: 'note' }), /'note' is the name of two things/],
  [machineOn({ actions: ['state'] }, { action: 'state' }), /'state' cannot be the name of a constant/],
  [machineOn({ actions: [{ type: 'note', params: { at: new Date(0) } }] }), /cannot be written out as code/],
] as const)
  test(`what cannot be written out: ${message.source}`, (t) => {
    t.throws(() => moduleOf('random', machine), { message });
  });
