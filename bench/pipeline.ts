/** Runs a scenario: its servers side by side, one after the other in each round. */
import { aggregate, type Measured, type Round } from './aggregate.ts';
import type { Progress } from './progress.ts';
import { type Measure, withRepository } from './fsmonitor/rounds.ts';
import { measureCommand } from './run/measure-command.ts';
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

type Rounds = (scenario: Scenario, pipeline: Pipeline, skipped: Skipped[]) => Promise<Round[]>;

const ROUNDS: Readonly<Record<Scenario['kind'], Rounds>> = {
  load: loadRounds,
  start: (scenario, pipeline, skipped) => {
    const settings = settingsOf(scenario.load, pipeline);
    const measure =
      measureCommandOf(scenario) ?? ((name) => measureStart(name, settings, pipeline.startServer));
    return measuredRounds(scenario, pipeline, skipped, measure);
  },
  fsmonitor: (scenario, pipeline, skipped) =>
    withRepository(scenario, pipeline, (measure) => measuredRounds(scenario, pipeline, skipped, measure)),
};

type Skipped = ScenarioResult['skipped'][number];

export async function runScenario(scenario: Scenario, pipeline: Pipeline): Promise<ScenarioResult> {
  const skipped: Skipped[] = [];
  const rounds = await ROUNDS[scenario.kind](scenario, pipeline, skipped);
  return { scenario, repeats: pipeline.repeats, results: aggregate(scenario, rounds), skipped };
}

async function loadRounds(scenario: Scenario, pipeline: Pipeline, skipped: Skipped[]): Promise<Round[]> {
  const { progress, repeats, settle } = pipeline;
  /** Those that still take part. */
  const names = new Set(scenario.servers);
  const servers = new Servers(scenario, pipeline);
  const rounds: Round[] = [];
  try {
    if (!scenario.fresh) {
      for (const name of scenario.servers)
        await attempt(name, names, skipped, pipeline.signal, () => servers.start(name));
      for (const name of settle === 0 ? [] : names)
        await attempt(name, names, skipped, pipeline.signal, () => servers.warmUp(name));
    }
    for (let round = 0; round < repeats; round++) {
      const measured = new Map<ServerName, Measured>();
      for (const name of turned([...names], round)) {
        progress.at(`${name}: round ${round + 1} of ${repeats}`);
        const result = await attempt(name, names, skipped, pipeline.signal, () => servers.measure(name));
        if (result !== undefined) measured.set(name, result);
      }
      rounds.push(measured);
    }
    return await servers.withSlowest(rounds);
  } finally {
    await servers.close();
  }
}

/** The servers of a scenario, from their start to their end. */
class Servers {
  readonly #scenario: Scenario;
  readonly #pipeline: Pipeline;
  readonly #running = new Map<ServerName, RunningServer>();

  constructor(scenario: Scenario, pipeline: Pipeline) {
    this.#scenario = scenario;
    this.#pipeline = pipeline;
  }

  async start(name: ServerName): Promise<RunningServer> {
    const { startServer, progress } = this.#pipeline;
    const settings = settingsOf(this.#scenario.load, this.#pipeline);
    progress.at(`${name}: starting`);
    if (name.endsWith('sampled') && settings.otlp === undefined)
      throw new Unavailable(
        'There is no Jaeger: run .ci/peers/jaeger.sh, or give one with --otlp and --jaeger.',
      );
    const server = await startServer(name, settings);
    this.#running.set(name, server);
    return server;
  }

  async warmUp(name: ServerName): Promise<void> {
    const { settle, progress } = this.#pipeline;
    const { load } = this.#scenario;
    progress.at(`${name}: warm-up`);
    await this.#generate(name, { ...load, warmUp: 0, duration: load.duration === 0 ? 0 : settle });
  }

  async measure(name: ServerName): Promise<Measured> {
    const { load, fresh } = this.#scenario;
    const server = fresh ? await this.start(name) : this.#running.get(name)!;
    const sample = await this.#generate(name, load);
    if (!fresh) return { server, sample };
    const slowest = await this.#slowestOf(server);
    await this.#end(name);
    return { server, sample: { ...sample, slowest } };
  }

  #generate(name: ServerName, load: Load): Promise<Sample> {
    const { generate, signal } = this.#pipeline;
    return generate(this.#running.get(name)!, load, this.#scenario.generator, signal);
  }

  /** Gives the last round of each traced server its slowest requests. */
  async withSlowest(rounds: readonly Round[]): Promise<Round[]> {
    const last = new Map(rounds.at(-1));
    for (const [name, server] of this.#running) {
      const measured = last.get(name);
      if (measured === undefined) continue;
      last.set(name, { ...measured, sample: { ...measured.sample, slowest: await this.#slowestOf(server) } });
    }
    return [...rounds.slice(0, -1), last];
  }

  /** They are an ornament: without them there is a report all the same. */
  async #slowestOf({ name, serviceName }: RunningServer): Promise<Sample['slowest']> {
    const { slowest, progress } = this.#pipeline;
    if (serviceName === undefined) return [];
    progress.at(`${name}: its slowest traces`);
    try {
      return await slowest(serviceName);
    } catch (error) {
      progress.note(`The traces of ${name} cannot be looked up: ${(error as Error).message}`);
      return [];
    }
  }

  async #end(name: ServerName): Promise<void> {
    const server = this.#running.get(name);
    this.#running.delete(name);
    await server?.close();
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#running.keys(), (name) => this.#end(name)));
  }
}

/** Rounds in which each is measured from its start to its end. */
async function measuredRounds(
  scenario: Scenario,
  pipeline: Pipeline,
  skipped: Skipped[],
  measure: Measure,
): Promise<Round[]> {
  const names = new Set(scenario.servers);
  const rounds: Round[] = [];
  // The first start finds cold files, so it is not measured.
  for (let round = -1; round < pipeline.repeats; round++) {
    const measured = new Map<ServerName, Measured>();
    for (const name of turned([...names], Math.max(0, round))) {
      pipeline.progress.at(`${name}: round ${round + 1} of ${pipeline.repeats}`);
      const result = await attempt(name, names, skipped, pipeline.signal, () => measure(name));
      if (result !== undefined) measured.set(name, result);
    }
    if (round >= 0) rounds.push(measured);
  }
  return rounds;
}

/** What measures the start of a command rather than that of a server. */
function measureCommandOf({ name }: Scenario): Measure | undefined {
  if (name === 'send-start') return measureCommand('cold');
  return name === 'send' ? measureCommand('warm') : undefined;
}

/** No server is the first of every round. */
function turned<T>(all: readonly T[], by: number): T[] {
  const first = all.length === 0 ? 0 : by % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

export function settingsOf(load: Load, { otlp, trace }: Pick<Pipeline, 'otlp' | 'trace'>): ServerSettings {
  return { requestBytes: load.requestBytes, answerBytes: load.answerBytes, otlp, trace };
}

/** One that is not there, or fails, is named and measured no more; the others go on. */
async function attempt<T>(
  name: ServerName,
  names: Set<ServerName>,
  skipped: Skipped[],
  signal: AbortSignal | undefined,
  run: () => Promise<T>,
): Promise<T | undefined> {
  signal?.throwIfAborted();
  try {
    return await run();
  } catch (error) {
    // What failed then failed of the interruption.
    signal?.throwIfAborted();
    names.delete(name);
    skipped.push({ server: name, reason: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}
