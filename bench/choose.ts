/** Which scenarios a run has, with what was asked of them. */
import type { Options } from './options.ts';
import { onlyInFull, quick, SCENARIOS } from './scenarios.ts';
import type { Scenario } from './types.ts';

/** @throws {Error} where a name is none */
export function chosenScenarios(
  options: Pick<Options, 'scenarios' | 'servers' | 'load' | 'generator' | 'quick'>,
): Scenario[] {
  const named =
    options.scenarios ??
    SCENARIOS.filter((each) => !(options.quick && onlyInFull(each))).map(({ name }) => name);
  return named.map((name): Scenario => {
    const scenario = SCENARIOS.find((each) => each.name === name);
    if (scenario === undefined)
      throw unknown(
        'scenario',
        name,
        SCENARIOS.map((each) => each.name),
        ', ',
      );
    const small = options.quick ? quick(scenario) : scenario;
    const servers = chosenServers(small, options.servers);
    return {
      ...small,
      servers,
      baseline: servers.includes(small.baseline) ? small.baseline : servers[0]!,
      generator: options.generator ?? small.generator,
      load: { ...small.load, ...options.load },
    };
  });
}

function chosenServers(
  { name, servers }: Scenario,
  wanted: readonly string[] | undefined,
): Scenario['servers'] {
  if (wanted === undefined) return servers;
  const all = [...new Set(SCENARIOS.flatMap((scenario) => scenario.servers))];
  for (const server of wanted) {
    if (!all.some((each) => each === server)) throw unknown('server', server, all, '; ');
  }
  const chosen = servers.filter((server) => wanted.includes(server));
  if (chosen.length === 0)
    throw new Error(`The scenario ${name} has none of these servers; it has ${servers.join('; ')}.`);
  return chosen;
}

function unknown(what: string, name: string, there: readonly string[], between: string): Error {
  return new Error(`There is no ${what} '${name}'. There are: ${there.join(between)}.`);
}
