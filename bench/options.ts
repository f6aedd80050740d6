/** What the bench's command takes. */
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { GeneratorKind, Load } from './types.ts';

export interface Options {
  /** As they were typed. */
  readonly given: readonly string[];
  readonly scenarios: readonly string[] | undefined;
  readonly servers: readonly string[] | undefined;
  /** What was said of the load: it holds for every scenario. */
  readonly load: Partial<Load>;
  readonly generator: GeneratorKind | undefined;
  readonly repeats: number;
  readonly settle: number;
  readonly quick: boolean;
  readonly growth: boolean;
  readonly trace: boolean;
  readonly otlp: string | undefined;
  readonly jaeger: string | undefined;
  readonly page: string;
  readonly json: string;
  readonly compare: string | undefined;
  readonly updateDocs: boolean;
  readonly list: boolean;
}

/** Where results go that go nowhere else. */
export const RESULTS = join(import.meta.dirname, 'results');

/** Ends the process where they are wrong, or ask for help. */
export function parseOptions(argv: readonly string[]): Options {
  const command = new Command('npm run bench --')
    .description(
      'Measures simple-ipc and its peers, side by side in one run: latency, throughput, CPU a request, memory.',
    )
    .option('--scenarios <names>', 'only these, with commas between', names)
    .option(
      '--servers <names>',
      'only these, with `;` between (names have commas of their own)',
      namesOfServers,
    )
    .option('--list', 'name the scenarios and their servers, and measure nothing')
    .option('--connections <n>', 'clients at once', whole(1))
    .option('--idle <n>', 'connections that are open beside them, and silent', whole(0))
    .option('--duration <ms>', 'how long a measured run takes; 0: until --amount', whole(0))
    .option('--amount <n>', 'how many requests a measured run makes; 0: until --duration', whole(0))
    .option(
      '--rate <n>',
      'requests a second at fixed times (open loop); 0: each client asks when it is answered',
      whole(0),
    )
    .option('--request-bytes <n>', 'how long requests are', whole(0))
    .option('--answer-bytes <n>', 'how long answers are', whole(0))
    .option('--warm-up <ms>', 'load before each measured run, of which nothing is kept', whole(0))
    .option(
      '--read-rate <n>',
      'how fast a client takes its answer, in bytes a second; 0: as fast as it can',
      whole(0),
    )
    .addOption(new Option('--generator <kind>', 'what makes the load').choices(['c', 'node']))
    .option('--repeats <n>', 'rounds, in each of which every server is measured once', whole(1))
    .option('--settle <ms>', 'load before the first round, until the code is compiled', whole(0))
    .option('--no-growth', 'leave out how costs grow')
    .option('--trace', 'trace every request of simple-ipc, in all scenarios')
    .option('--otlp <url>', 'where a Jaeger takes traces that is running already; with --jaeger')
    .option('--jaeger <url>', 'where its page is: the report then links to the slowest requests')
    .option('--page <file>', 'where the page goes', join(RESULTS, 'report.html'))
    .option('--json <file>', 'where the figures go', join(RESULTS, 'report.json'))
    .option('--compare <file>', 'compare with the figures of an earlier run')
    .option('--update-docs', 'write the tables of docs/performance.md and docs/fsmonitor.md anew')
    .option(
      '--quick',
      'everything once and small, within a minute: it shows that the bench works, and no figure counts',
    )
    .allowExcessArguments(false)
    .parse(argv);
  const given = command.opts<Given>();
  const quick = given.quick === true;
  if ((given.otlp === undefined) !== (given.jaeger === undefined)) {
    command.error('--otlp and --jaeger belong together: where traces go, and where they can be looked at.');
  }
  if (given.duration === 0 && !(Number(given.amount) > 0)) {
    command.error('--duration 0 needs an --amount: else a run would never end.');
  }
  const partly = Object.keys(given).filter((name) => PARTLY.has(name));
  if (given.updateDocs === true && partly.length > 0) {
    command.error(
      '--update-docs takes the whole bench as it is: leave out what makes it smaller or another.',
    );
  }
  return {
    given: argv.slice(2),
    scenarios: given.scenarios,
    servers: given.servers,
    load: pick(given, LOAD),
    generator: given.generator,
    repeats: given.repeats ?? (quick ? 1 : 5),
    settle: given.settle ?? (quick ? 50 : 3_000),
    quick,
    growth: given.growth && given.scenarios === undefined,
    trace: given.trace === true,
    otlp: given.otlp,
    jaeger: given.jaeger,
    page: resolve(given.page),
    json: resolve(given.json),
    compare: given.compare,
    updateDocs: given.updateDocs === true,
    list: given.list === true,
  };
}

/** What commander makes of it. */
interface Given extends Partial<Load> {
  scenarios?: string[];
  servers?: string[];
  generator?: GeneratorKind;
  repeats?: number;
  settle?: number;
  quick?: true;
  growth: boolean;
  trace?: true;
  otlp?: string;
  jaeger?: string;
  page: string;
  json: string;
  compare?: string;
  updateDocs?: true;
  list?: true;
}

const LOAD = [
  'connections',
  'idle',
  'duration',
  'amount',
  'rate',
  'requestBytes',
  'answerBytes',
  'warmUp',
  'readRate',
] as const satisfies readonly (keyof Load)[];

/** With these the report is not the one that the docs have. */
const PARTLY: ReadonlySet<string> = new Set([...LOAD, 'scenarios', 'servers', 'generator', 'quick', 'trace']);

function pick(given: Partial<Load>, keys: readonly (keyof Load)[]): Partial<Load> {
  return Object.fromEntries(keys.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])));
}

function names(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

function namesOfServers(text: string): string[] {
  return text.split(';').map((name) => name.trim());
}

function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It is a whole number, ${least} or more.`);
    }
    return value;
  };
}
