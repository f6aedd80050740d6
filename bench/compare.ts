/** What changed from one report to another. */
import type { Figure, FigureName, Report, ScenarioResult, ServerName } from './types.ts';

export interface Comparison {
  readonly old: Side;
  readonly new: Side;
  /** What of the two machines is not the same: then figures differ for other reasons than the code. */
  readonly machineDiffers: readonly (keyof Report['machine'])[];
  readonly scenarios: readonly ComparedScenario[];
  /** What only one of them has. */
  readonly missing: readonly Missing[];
}

type Side = Pick<Report, 'date' | 'commit' | 'machine'>;

export interface ComparedScenario {
  readonly name: string;
  readonly title: string;
  /** The load is not the same under this name, so the figures are not of the same thing. */
  readonly loadDiffers: boolean;
  readonly figures: readonly ComparedFigure[];
}

export interface ComparedFigure {
  readonly server: ServerName;
  readonly name: FigureName;
  readonly old: Figure;
  readonly new: Figure;
  /** The new median to the old one; undefined where the old one is nothing, or less. */
  readonly ratio: number | undefined;
  /** The ranges of the repeats, min to max, have something in common: no more than noise. */
  readonly overlap: boolean;
  readonly verdict: 'the same within noise' | 'better' | 'worse';
}

export interface Missing {
  /** Which report does not have it. */
  readonly from: 'old' | 'new';
  readonly scenario: string;
  /** Undefined: the whole scenario. */
  readonly server: ServerName | undefined;
}

export function compareReports(old: Report, now: Report): Comparison {
  const pairs = paired(old.scenarios, now.scenarios, ({ scenario }) => scenario.name);
  return {
    old: { date: old.date, commit: old.commit, machine: old.machine },
    new: { date: now.date, commit: now.commit, machine: now.machine },
    machineDiffers: (['cpu', 'cores', 'memory', 'os', 'node'] as const).filter(
      (key) => old.machine[key] !== now.machine[key],
    ),
    scenarios: pairs.both.map(([before, after]) => compareScenario(before, after)),
    missing: [
      ...missing('new', pairs.oldOnly),
      ...missing('old', pairs.newOnly),
      ...pairs.both.flatMap(([before, after]) => missingServers(before, after)),
    ],
  };
}

function compareScenario(old: ScenarioResult, now: ScenarioResult): ComparedScenario {
  const { name, title } = now.scenario;
  return {
    name,
    title,
    loadDiffers: loadOf(old) !== loadOf(now),
    figures: paired(old.results, now.results, ({ server }) => server).both.flatMap(([before, after]) =>
      paired(before.figures, after.figures, (figure) => figure.name).both.map(([a, b]) =>
        compareFigure(after.server, a, b),
      ),
    ),
  };
}

/** With fewer, nobody knows how large the noise is. */
const FEWEST_ROUNDS = 3;

function compareFigure(server: ServerName, old: Figure, now: Figure): ComparedFigure {
  const overlap = old.min <= now.max && now.min <= old.max;
  const grew = now.median > old.median;
  return {
    server,
    name: now.name,
    old,
    new: now,
    ratio: old.median > 0 ? now.median / old.median : undefined,
    overlap,
    verdict:
      overlap || Math.min(old.values.length, now.values.length) < FEWEST_ROUNDS
        ? 'the same within noise'
        : grew === (now.better === 'higher')
          ? 'better'
          : 'worse',
  };
}

/** How long it was measured changes the noise, not what was measured. */
function loadOf({ scenario }: ScenarioResult): string {
  const { connections, idle, requestBytes, answerBytes, rate, readRate, sleeps, tree } = scenario.load;
  const { kind, generator, fresh } = scenario;
  return JSON.stringify({
    kind,
    generator,
    fresh,
    connections,
    idle,
    requestBytes,
    answerBytes,
    rate,
    readRate,
    sleeps,
    tree,
  });
}

function missing(from: Missing['from'], scenarios: readonly ScenarioResult[]): Missing[] {
  return scenarios.map(({ scenario }) => ({ from, scenario: scenario.name, server: undefined }));
}

function missingServers(old: ScenarioResult, now: ScenarioResult): Missing[] {
  const { oldOnly, newOnly } = paired(old.results, now.results, ({ server }) => server);
  const scenario = now.scenario.name;
  return [
    ...oldOnly.map(({ server }): Missing => ({ from: 'new', scenario, server })),
    ...newOnly.map(({ server }): Missing => ({ from: 'old', scenario, server })),
  ];
}

/** By key, in the order of the new ones. */
function paired<T>(old: readonly T[], now: readonly T[], keyOf: (item: T) => string) {
  const before = new Map(old.map((item) => [keyOf(item), item]));
  const keys = new Set(now.map((item) => keyOf(item)));
  return {
    both: now.flatMap((item): [T, T][] => {
      const match = before.get(keyOf(item));
      return match === undefined ? [] : [[match, item]];
    }),
    oldOnly: old.filter((item) => !keys.has(keyOf(item))),
    newOnly: now.filter((item) => !before.has(keyOf(item))),
  };
}
