/** Writes docs/machines.md from the definitions of the machines. `npm run diagrams`; a test fails when it is stale. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { type DirectedGraphNode, toDirectedGraph } from 'xstate/graph';

import { connectionMachine } from '../src/machines/connection.ts';
import { poolMachine } from '../src/machines/pool.ts';
import { writeIfStale } from './write-if-stale.ts';

export const DOCUMENT = new URL('../docs/machines.md', import.meta.url);

/** The action of an event that cannot come in a state. */
const IMPOSSIBLE = 'unexpected';

const PREFACE = `# The machines

What a connection and a server may do is written once, as two [XState](https://stately.ai/docs/xstate) machines:
[\`src/machines/connection.ts\`](../src/machines/connection.ts) and [\`src/machines/pool.ts\`](../src/machines/pool.ts).
The runtime carries out the actions that they name, and tells them what happened as events; telemetry is a projection of
their transitions. This page is generated from the definitions (\`npm run diagrams\`).

A line in a picture reads \`EVENT [guard] / actions\`. Left out of the pictures, and kept in the tables below them, are
events that change nothing. In the tables an event is

- **ignored**: it may come in this state, and there is nothing to do about it; or
- **impossible**: it cannot come in this state. If it does, the runtime is wrong, and the actor crashes. A connection that
  crashes is closed without a flush packet and reported by its pool, and the service goes on; a pool that crashes is a
  server that has failed.

Of several rows for one event, the first whose guard holds is taken.`;

const MACHINES: readonly {
  readonly title: string;
  readonly prose: string;
  readonly machine: AnyStateMachine;
}[] = [
  {
    title: 'Connection',
    prose: `One actor a connection. It ends in \`closed\`, and its output says how: \`answered\`, \`pinged\`, \`hung-up\`,
\`protocol-error\`, \`limit\`, \`timed-out\`, \`handler-failed\`, \`aborted\` or \`refused\`.

A connection that fails before the end of its answer is closed without a flush packet: to the client a bare flush is an
empty answer, and an empty answer is believed. So \`finishAnswer\`, which sends it, is done at \`HANDLER_DONE\` and nowhere
else.`,
    machine: connectionMachine as unknown as AnyStateMachine,
  },
  {
    title: 'Pool',
    prose: `One actor a server, the parent of the actors of its connections: it counts them, refuses those that are too
many, reports those that crash (\`xstate.error.actor.*\`), and ends when the last has ended. Its output says why it ended:
\`closed\`, \`quit\`, \`path-lost\` or \`failed\`, the last with the error.`,
    machine: poolMachine as unknown as AnyStateMachine,
  },
];

/** The whole page. */
export function page(): string {
  return (
    [PREFACE, ...MACHINES.map(({ title, prose, machine }) => chapter(title, prose, machine))].join('\n\n') +
    '\n'
  );
}

function chapter(title: string, prose: string, machine: AnyStateMachine): string {
  const graph = toDirectedGraph(machine);
  const sections = graph.children.map(({ stateNode }) => section(stateNode));
  return [`## ${title}`, prose, picture(machine, graph), ...sections].join('\n\n');
}

// ---- The picture.

function picture(machine: AnyStateMachine, graph: DirectedGraphNode): string {
  const lines = [
    ...graph.children.flatMap(({ stateNode }) => declaration(stateNode)),
    `[*] --> ${alias(String(machine.config.initial))}`,
    ...graph.children.flatMap((child) => arrows(child)),
    ...graph.children
      .filter(({ stateNode }) => stateNode.type === 'final')
      .map(({ stateNode }) => `${alias(stateNode.key)} --> [*]`),
  ];
  return ['```mermaid', 'stateDiagram-v2', ...lines.map((line) => `  ${line}`), '```'].join('\n');
}

/** Mermaid takes no \`-\` in the name of a state. */
function alias(state: string): string {
  return state.replaceAll('-', '_');
}

function declaration({ key, entry, exit }: AnyStateNode): string[] {
  const name = alias(key);
  const lines = [name === key ? `state ${name}` : `state "${key}" as ${name}`];
  if (entry.length > 0) lines.push(`${name} : entry / ${named(entry).join(', ')}`);
  if (exit.length > 0) lines.push(`${name} : exit / ${named(exit).join(', ')}`);
  return lines;
}

/** One arrow for each pair of states, with everything that leads from the one to the other. */
function arrows({ stateNode, edges }: DirectedGraphNode): string[] {
  const labels = new Map<string, string[]>();
  for (const { target, transition } of edges) {
    if (kindOf(transition) !== 'does') continue;
    const to = alias(target.key);
    labels.set(to, [...(labels.get(to) ?? []), label(transition)]);
  }
  return [...labels].map(([to, texts]) => `${alias(stateNode.key)} --> ${to} : ${texts.join('<br/>')}`);
}

function label({ eventType, guard, actions }: AnyTransitionDefinition): string {
  const when = guard === undefined ? '' : ` [${guardName(guard)}]`;
  const then = actions.length === 0 ? '' : ` / ${named(actions).join(', ')}`;
  return `${eventType}${when}${then}`;
}

// ---- The tables.

function section({ key, description, entry, exit, type, transitions }: AnyStateNode): string {
  const parts = [`### ${key}`, description ?? ''];
  if (entry.length > 0) parts.push(`On entry: ${code(named(entry))}.`);
  if (exit.length > 0) parts.push(`On exit: ${code(named(exit))}.`);
  if (type === 'final') return [...parts, 'Final.'].join('\n\n');
  const rows = [...transitions.values()].flat().map((transition) => row(transition));
  return [...parts, ['| Event | If | Actions | Then |', '|---|---|---|---|', ...rows].join('\n')].join(
    '\n\n',
  );
}

function row(transition: AnyTransitionDefinition): string {
  const { eventType, guard, actions, target } = transition;
  const kind = kindOf(transition);
  const cells = [
    `\`${eventType}\``,
    guard === undefined ? '' : `\`${guardName(guard)}\``,
    kind === 'does' ? code(named(actions)) : kind,
    target === undefined ? '' : `\`${target[0]?.key}\``,
  ];
  return `| ${cells.join(' | ')} |`;
}

function kindOf({ target, actions }: AnyTransitionDefinition): 'does' | 'ignored' | 'impossible' {
  if (named(actions).includes(IMPOSSIBLE)) return 'impossible';
  return target === undefined && actions.length === 0 ? 'ignored' : 'does';
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

/** The names of actions, with the parameters that they are given. */
function named(actions: readonly unknown[]): string[] {
  return actions.map((action) => {
    if (typeof action === 'string') return action;
    const { type, params } = action as { type: string; params?: object };
    return params === undefined ? type : `${type}(${Object.values(params).join(', ')})`;
  });
}

function guardName(guard: unknown): string {
  return typeof guard === 'string' ? guard : (named([guard])[0] as string);
}

if (import.meta.main) writeIfStale(DOCUMENT, page());
