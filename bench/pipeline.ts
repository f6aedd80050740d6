/** Runs a scenario: its servers side by side, one after the other in each round. */
import { aggregate, type Measured, type Round } from './aggregate.ts';
import type { Progress } from './progress.ts';
import { measureStart } from './run/measure-start.ts';
import {
  type Generate,
  type Load,
  type RunningServer,
  type Sample,
  type Scenario,
  type ScenarioResult,
  type ServerName,
  type ServerSettings,
  type StartServer,
  Unavailable,
} from './types.ts';

export interface Pipeline {
  readonly repeats: number;
  /** Load before the first round, in milliseconds: until the code is compiled. Load that ends by its amount comes once. */
  readonly settle: number;
  /** Where traces go; undefined: there is nothing that would take them. */
  readonly otlp: string | undefined;
  /** Our server is traced whatever the scenario. */
  readonly trace: boolean;
  readonly startServer: StartServer;
  readonly generate: Generate;
  readonly progress: Progress;
  /** The slowest requests of a service, from its traces. */
  readonly slowest: (service: string) => Promise<Sample['slowest']>;
  readonly signal?: AbortSignal;
}

type Skipped = ScenarioResult['skipped'][number];

export async function runScenario(scenario: Scenario, pipeline: Pipeline): Promise<ScenarioResult> {
  const skipped: Skipped[] = [];
  const rounds =
    scenario.kind === 'start'
      ? await startRounds(scenario, pipeline, skipped)
      : await loadRounds(scenario, pipeline, skipped);
  return { scenario, repeats: pipeline.repeats, results: aggregate(scenario, rounds), skipped };
}

async function loadRounds(scenario: Scenario, pipeline: Pipeline, skipped: Skipped[]): Promise<Round[]> {
  const { progress, signal, generate } = pipeline;
  const { load, generator } = scenario;
  /** Those that still take part. */
  const servers = new Map<ServerName, RunningServer>();
  const running: RunningServer[] = [];
  const rounds: Round[] = [];
  try {
    for (const name of scenario.servers) {
      const server = await started(name, settingsOf(load, pipeline), pipeline, skipped);
      if (server === undefined) continue;
      running.push(server);
      servers.set(name, server);
    }
    for (const [name, server] of servers) {
      progress.at(`${name}: warm-up`);
      const before: Load = { ...load, warmUp: 0, duration: load.duration === 0 ? 0 : pipeline.settle };
      await attempt(name, servers, skipped, () => generate(server, before, generator, signal));
    }
    for (let round = 0; round < pipeline.repeats; round++) {
      const measured = new Map<ServerName, Measured>();
      for (const [name, server] of turned([...servers], round)) {
        progress.at(`${name}: round ${round + 1} of ${pipeline.repeats}`);
        const sample = await attempt(name, servers, skipped, () => generate(server, load, generator, signal));
        if (sample !== undefined) measured.set(name, { server, sample });
      }
      rounds.push(measured);
    }
    return await withSlowest(rounds, servers, pipeline);
  } finally {
    await Promise.all(running.map((server) => server.close()));
  }
}

async function startRounds(scenario: Scenario, pipeline: Pipeline, skipped: Skipped[]): Promise<Round[]> {
  const names = new Map(scenario.servers.map((name) => [name, name]));
  const rounds: Round[] = [];
  // The first start finds cold files, so it is not measured.
  for (let round = -1; round < pipeline.repeats; round++) {
    const measured = new Map<ServerName, Measured>();
    for (const name of turned([...names.keys()], Math.max(0, round))) {
      pipeline.progress.at(`${name}: round ${round + 1} of ${pipeline.repeats}`);
      const result = await attempt(name, names, skipped, () =>
        measureStart(name, settingsOf(scenario.load, pipeline), pipeline.startServer),
      );
      if (result !== undefined) measured.set(name, result);
    }
    if (round >= 0) rounds.push(measured);
  }
  return rounds;
}

/** No server is the first of every round. */
function turned<T>(all: readonly T[], by: number): T[] {
  const first = all.length === 0 ? 0 : by % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

export function settingsOf(load: Load, { otlp, trace }: Pick<Pipeline, 'otlp' | 'trace'>): ServerSettings {
  return { requestBytes: load.requestBytes, answerBytes: load.answerBytes, otlp, trace };
}

async function started(
  name: ServerName,
  settings: ServerSettings,
  { startServer, progress }: Pipeline,
  skipped: Skipped[],
): Promise<RunningServer | undefined> {
  progress.at(`${name}: starting`);
  try {
    if (name.endsWith('sampled') && settings.otlp === undefined) {
      throw new Unavailable(
        'There is no Jaeger: run .ci/peers/jaeger.sh, or give one with --otlp and --jaeger.',
      );
    }
    return await startServer(name, settings);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    skipped.push({ server: name, reason: error.message });
    return undefined;
  }
}

/** One that fails is named, and measured no more; the others go on. */
async function attempt<T>(
  name: ServerName,
  servers: Map<ServerName, unknown>,
  skipped: Skipped[],
  run: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    servers.delete(name);
    skipped.push({ server: name, reason: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

/** Gives the last round of each traced server its slowest requests. */
async function withSlowest(
  rounds: readonly Round[],
  servers: ReadonlyMap<ServerName, RunningServer>,
  { slowest, progress }: Pipeline,
): Promise<Round[]> {
  const last = new Map(rounds.at(-1));
  for (const [name, { serviceName }] of servers) {
    const measured = last.get(name);
    if (serviceName === undefined || measured === undefined) continue;
    progress.at(`${name}: its slowest traces`);
    last.set(name, { ...measured, sample: { ...measured.sample, slowest: await slowest(serviceName) } });
  }
  return [...rounds.slice(0, -1), last];
}
