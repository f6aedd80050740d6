/**
 * Writes the transitions of the machines out as code, from their definitions: src/machines/*.generated.ts. `npm run diagrams`;
 * a test fails when they are stale.
 */
import { inspect, isDeepStrictEqual } from 'node:util';
import type { AnyStateMachine } from 'xstate';

import { connectionMachine } from '../src/machines/connection.ts';
import { assignmentOf, type Resolved, type Step } from '../src/machines/implementations.ts';
import { poolMachine } from '../src/machines/pool.ts';
import { type Candidate, readStates, type State } from '../src/machines/table.ts';
import { writeIfStale } from './write-if-stale.ts';

export const MACHINES: readonly { readonly file: URL; readonly text: () => string }[] = (
  [
    ['connection', connectionMachine],
    ['pool', poolMachine],
  ] as unknown as [name: string, machine: AnyStateMachine][]
).map(([name, machine]) => ({
  file: new URL(`../src/machines/${name}.generated.ts`, import.meta.url),
  text: () => moduleOf(name, machine),
}));

/** The whole module. */
export function moduleOf(name: string, machine: AnyStateMachine): string {
  const states = [...readStates(machine).values()];
  const constants = namesOf(states).flatMap(([called, kind]) => constantOf(called, kind, machine));
  const used = ['effect', 'guard', 'assign', 'assigned'].filter((kind) =>
    constants.some((line) => line.includes(` ${kind}('`)),
  );
  const types = [...(constants.some((line) => line.includes('Args')) ? ['Args', 'Params'] : []), 'Written'];
  const body = states.filter(answers).map((state) => lines(stateOf(state), 3));
  return `/** What each event does in each state of ${name}.ts, written out from the definition there by \`npm run diagrams\`. */
import type { ${types.join(', ')} } from './implementations.ts';

export const ${name}Transitions: Written = ({ ${used.join(', ')} }) => {
${lines(constants, 1)}

  return (state, args) => {
    const { type } = args.event;
    switch (state) {
${body.join('\n')}
    }
    return undefined;
  };
};
`;
}

function answers({ exact, wildcards }: State): boolean {
  return exact.size > 0 || wildcards.length > 0;
}

type Kind = 'guard' | Step['kind'];

/** Names that the code has for something else. */
const TAKEN = new Set(['args', 'assign', 'assigned', 'effect', 'guard', 'params', 'state', 'type']);

/** Each name that a transition has, and what it names. */
function namesOf(states: readonly State[]): [string, Kind][] {
  const kinds = new Map<string, Kind>();
  const add = (name: string, kind: Kind) => {
    if (!/^[a-z]\w*$/i.test(name) || TAKEN.has(name))
      throw new Error(`'${name}' cannot be the name of a constant.`);
    if ((kinds.get(name) ?? kind) !== kind) throw new Error(`'${name}' is the name of two things.`);
    kinds.set(name, kind);
  };
  for (const { exact, wildcards } of states) {
    for (const candidates of [...exact.values(), ...wildcards.map(([, one]) => one)]) {
      for (const { guard, steps } of candidates) {
        if (guard !== undefined) add(guard.name, 'guard');
        for (const { name, kind } of steps) add(name, kind);
      }
    }
  }
  return [...kinds];
}

/** An assign is written out, key by key: the engine then knows the shape of what it makes. */
function constantOf(name: string, kind: Kind, machine: AnyStateMachine): string[] {
  const assignment = kind === 'assign' ? assignmentOf(machine, name) : undefined;
  if (assignment === undefined) return [`const ${name} = ${kind}('${name}');`];
  const entries = Object.entries(assignment);
  const computed = entries.filter(([, value]) => typeof value === 'function').map(([key]) => key);
  const nameOf = (key: string) => `${key}Of${name[0]?.toUpperCase()}${name.slice(1)}`;
  return [
    ...computed.map((key) => `const ${nameOf(key)} = assigned('${name}', '${key}');`),
    `const ${name} = (args: Args${computed.length > 0 ? ', params?: Params' : ''}) => ({`,
    '  ...args.context,',
    ...entries.map(([key, value]) =>
      computed.includes(key) ? `  ${key}: ${nameOf(key)}(args, params),` : `  ${key}: ${shown(value)},`,
    ),
    '});',
  ];
}

function stateOf({ name, exact, wildcards }: State): string[] {
  const groups = new Map<string, string[]>();
  for (const [event, candidates] of exact) {
    const code = lines(candidatesOf(candidates));
    groups.set(code, [...(groups.get(code) ?? []), event]);
  }
  const cases: string[] = [];
  for (const [code, events] of groups) {
    cases.push(...events.map((event) => `  case ${shown(event)}:`));
    cases.push(...code.split('\n').map((line) => `    ${line}`));
  }
  return [
    `case ${shown(name)}:`,
    ...(cases.length === 0 ? [] : indent(['switch (type) {', ...cases, '}'])),
    ...indent(wildcards.flatMap(([prefix, candidates]) => wildcardOf(prefix, candidates))),
    '  break;',
  ];
}

function wildcardOf(prefix: string, candidates: readonly Candidate[]): string[] {
  const code = candidates.flatMap(candidateOf);
  const when =
    prefix === '' ? 'true' : `type === ${shown(prefix)} || type.startsWith(${shown(`${prefix}.`)})`;
  return [`if (${when}) {`, ...indent(code), '}'];
}

/** The first whose guard holds; where there is none, wildcards may answer. */
function candidatesOf(candidates: readonly Candidate[]): string[] {
  const certain = candidates.findIndex(({ guard }) => guard === undefined);
  const code = candidates.slice(0, certain < 0 ? undefined : certain + 1).flatMap(candidateOf);
  return certain < 0 ? [...code, 'break;'] : code;
}

function candidateOf({ guard, steps, target }: Candidate): string[] {
  const code = [...steps.map(stepOf), `return ${shown(target.name)};`];
  if (guard === undefined) return code;
  return [`if (${callOf(guard)}) {`, ...indent(code), '}'];
}

function stepOf(step: Step): string {
  return step.kind === 'assign' ? `args.context = ${callOf(step)};` : `${callOf(step)};`;
}

function callOf({ name, params }: Resolved<unknown>): string {
  if (params === undefined) return `${name}(args)`;
  return `${name}(args, ${shown(params)})`;
}

/** A value as it is written in code. */
function shown(value: unknown): string {
  const plain: unknown = value === undefined ? undefined : JSON.parse(JSON.stringify(value));
  if (!isDeepStrictEqual(plain, value)) throw new Error(`${inspect(value)} cannot be written out as code.`);
  return inspect(value, { depth: null, breakLength: Infinity, maxArrayLength: null, maxStringLength: null });
}

function indent(code: readonly string[]): string[] {
  return code.map((line) => `  ${line}`);
}

function lines(code: readonly string[], depth = 0): string {
  return code.map((line) => '  '.repeat(depth) + line).join('\n');
}

if (import.meta.main) {
  for (const { file, text } of MACHINES) writeIfStale(file, text());
}
