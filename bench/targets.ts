/** What the bench is to show, and what it showed. */
import { median } from './aggregate.ts';
import { figureOf } from './figures.ts';
import { count } from './print/format.ts';
import type { FigureName, ScenarioResult, ServerName, Target } from './types.ts';

type Results = readonly ScenarioResult[];

interface Goal {
  readonly number: number;
  readonly what: string;
  readonly asked: { readonly most?: number; readonly least?: number };
  readonly unit: '' | ' MiB' | ' bytes' | ' ms' | ' %';
  /** Undefined where it was not measured. */
  readonly of: (results: Results) => number | undefined;
  /** With fewer cores it says nothing. */
  readonly cores: number;
}

const OURS = 'simple-ipc';

/** For the server, the exporter's thread, the generator, and the collector. */
const CORES_WITH_COLLECTOR = 4;

/** In percent of a core: nothing, as far as it can be measured within seconds. */
const IDLE = 0.1;

const GOALS: readonly Goal[] = [
  ...[1, 8, 32].map((clients) =>
    goal(
      1,
      `CPU a request against bare node:net, ${count(clients, 'client')}`,
      { most: 1.05 },
      ratio(`ping-${clients}`, 'CPU a request', OURS, 'node:net'),
    ),
  ),
  ...[1, 8, 32].flatMap((clients) => [
    goal(
      2,
      `Requests a second against git's C server, ${count(clients, 'client')}`,
      { least: clients === 1 ? 1.3 : 1 },
      ratio(`ping-${clients}`, 'requests a second', OURS, 'git'),
    ),
    goal(
      2,
      `CPU a request against git's C server, ${count(clients, 'client')}`,
      { most: 1 },
      ratio(`ping-${clients}`, 'CPU a request', OURS, 'git'),
    ),
  ]),
  goal(
    3,
    'Requests a second, 1 % sampled against none',
    { least: 0.97 },
    ratio('telemetry', 'requests a second', 'simple-ipc, 1 % sampled', OURS),
  ),
  goal(
    3,
    'Requests a second, 100 % sampled against none',
    { least: 0.85 },
    ratio('telemetry', 'requests a second', 'simple-ipc, 100 % sampled', OURS),
  ),
  goal(
    3,
    'CPU a request of the serving thread, 100 % sampled against none',
    { most: 1.05 },
    ratio('telemetry', 'CPU a request, main thread', 'simple-ipc, 100 % sampled', OURS),
  ),
  goal(
    3,
    'p99.9, 100 % sampled against none, where the collector has a core of its own',
    { most: 2 },
    ratio('telemetry', 'p99.9', 'simple-ipc, 100 % sampled', OURS),
    '',
    CORES_WITH_COLLECTOR,
  ),
  goal(
    4,
    "A request of 1 GiB: MB a second against git's C server",
    { least: 1 },
    ratio('request-1g', 'MB a second', OURS, 'git'),
  ),
  goal(4, 'A request of 1 GiB: memory', { most: 32 }, value('request-1g', 'memory'), ' MiB'),
  goal(4, 'An answer of 1 GiB: memory', { most: 32 }, value('answer-1g', 'memory'), ' MiB'),
  goal(
    5,
    'Memory of an idle connection, of 10,000',
    { most: 6_000 },
    value('idle-memory', 'memory an idle connection'),
    ' bytes',
  ),
  goal(5, 'CPU a request among 10,000 idle connections against among none', { most: 1.1 }, (results) => {
    const among = figureIn(results, 'idle-10k', OURS, 'CPU a request');
    const alone = figureIn(results, 'ping-8', OURS, 'CPU a request');
    return among && alone && among.median / alone.median;
  }),
  goal(
    6,
    '`send --start`, to its end, against a bare `node -e` that starts another',
    { most: 1.3 },
    ratio('send-start', 'start to first answer', OURS, 'node:net'),
  ),
  goal(
    6,
    '`send` to a server that is there, against a bare `node -e` that asks it',
    { most: 1.15 },
    ratio('send', 'start to first answer', OURS, 'node:net'),
  ),
  ...(
    [
      ['fsmonitor-5k', '5,000 directories'],
      ['fsmonitor-50k', '50,000 directories'],
    ] as const
  ).flatMap(([scenario, tree]) => [
    goal(
      7,
      `fsmonitor, ${tree}: \`git status\` against that with git's own daemon`,
      { most: 1.1 },
      ratio(scenario, 'git status', OURS, 'git'),
    ),
    goal(
      7,
      `fsmonitor, ${tree}: \`git status\` against that with none`,
      { most: 0.4 },
      ratio(scenario, 'git status', OURS, 'no fsmonitor'),
    ),
    goal(7, `fsmonitor, ${tree}: a query`, { most: 0.5 }, value(scenario, 'query'), ' ms'),
    goal(
      7,
      `fsmonitor, ${tree}: start to ready against git's own daemon`,
      { most: 1.5 },
      ratio(scenario, 'start to ready', OURS, 'git'),
    ),
    goal(
      7,
      `fsmonitor, ${tree}: processor time with nothing to do`,
      { most: IDLE },
      value(scenario, 'idle CPU'),
      ' %',
    ),
  ]),
];

/** Told in hundredths; what has another unit is a whole number of it. */
const FINE: ReadonlySet<Goal['unit']> = new Set(['', ' ms', ' %']);

/** Those that were measured. */
export function targetsOf(results: Results, cores: number): Target[] {
  return GOALS.flatMap(({ number, what, asked, unit, of, cores: needed }) => {
    const reached = of(results);
    if (reached === undefined || !Number.isFinite(reached)) return [];
    const show = (figure: number) =>
      (FINE.has(unit) ? figure.toFixed(2) : Math.round(figure).toLocaleString('en')) + unit;
    const met = reached <= (asked.most ?? Infinity) && reached >= (asked.least ?? -Infinity);
    const limit = asked.most === undefined ? `at least ${show(asked.least!)}` : `at most ${show(asked.most)}`;
    if (cores < needed) {
      return { number, what, asked: limit, reached: `${show(reached)}, on ${cores} cores`, met: undefined };
    }
    return { number, what, asked: limit, reached: show(reached), met };
  });
}

function goal(
  number: number,
  what: string,
  asked: Goal['asked'],
  of: Goal['of'],
  unit: Goal['unit'] = '',
  cores = 1,
): Goal {
  return { number, what, asked, unit, of, cores };
}

/** The median of the rounds' ratios. */
function ratio(scenario: string, figure: FigureName, server: ServerName, to: ServerName): Goal['of'] {
  return (results) => {
    const its = figureIn(results, scenario, server, figure)?.values;
    const base = figureIn(results, scenario, to, figure)?.values;
    if (its === undefined || base === undefined || its.length !== base.length) return undefined;
    return median(its.map((each, round) => each / base[round]!));
  };
}

function value(scenario: string, figure: FigureName): Goal['of'] {
  return (results) => figureIn(results, scenario, OURS, figure)?.median;
}

function figureIn(results: Results, scenario: string, server: ServerName, name: FigureName) {
  const result = results
    .find((each) => each.scenario.name === scenario)
    ?.results.find((each) => each.server === server);
  return result && figureOf(result, name);
}
