/** How the cost of a request grows with what there is of something. */
import { FIGURES } from './figures.ts';
import { settingsOf, type Pipeline } from './pipeline.ts';
import { PING } from './scenarios.ts';
import type { GeneratorKind, GrowthResult, Load } from './types.ts';

interface Growth extends Pick<GrowthResult, 'name' | 'title' | 'axis' | 'figure'> {
  readonly sizes: readonly number[];
  readonly load: (size: number) => Partial<Load>;
  /** What `concurrency` the server has. */
  readonly concurrency?: (size: number) => number;
  /** How often the cost of one request is met at that size: what grows is the whole. */
  readonly times: (size: number) => number;
}

const MANY = 20_000;

const GROWTH: readonly Growth[] = [
  {
    name: 'connections',
    title: 'Clients at once, each with one request',
    axis: 'connections',
    figure: 'CPU of the server for one request of each',
    sizes: [1, 10, 100, 1_000, 10_000],
    load: (connections) => ({ connections, duration: 0, amount: Math.max(MANY, 3 * connections) }),
    times: (connections) => connections,
  },
  {
    name: 'answer',
    title: 'An answer of so many bytes',
    axis: 'bytes of the answer',
    figure: 'CPU of the server for one answer',
    sizes: [1, 2 ** 10, 2 ** 14, 2 ** 17, 2 ** 20, 2 ** 24, 2 ** 27, 2 ** 30],
    load: (answerBytes) => ({
      connections: 1,
      answerBytes,
      duration: 0,
      amount: Math.max(1, Math.min(MANY, Math.round(2 ** 30 / answerBytes))),
    }),
    times: () => 1,
  },
  {
    name: 'concurrency',
    title: 'A thousand clients, of whose requests so many may run at once; each takes a millisecond',
    axis: 'concurrency',
    figure: 'CPU of the server for so many requests',
    sizes: [1, 10, 100, 1_000],
    load: (concurrency) => ({ connections: 1_000, duration: 0, amount: Math.min(MANY, 2_000 * concurrency) }),
    concurrency: (size) => size,
    times: (size) => size,
  },
];

/** The sizes of a quick run end here. */
const QUICK = { sizes: 2, amount: 200 };

export const GROWTH_COUNT = GROWTH.length;

export async function measureGrowth(
  pipeline: Pipeline,
  { isQuick, generator }: { isQuick: boolean; generator: GeneratorKind },
  begin: (name: string) => void,
): Promise<GrowthResult[]> {
  const results: GrowthResult[] = [];
  for (const growth of GROWTH) {
    begin(`growth: ${growth.name}`);
    const { name, title, axis, figure } = growth;
    const points: { at: number; value: number }[] = [];
    for (const size of isQuick ? growth.sizes.slice(0, QUICK.sizes) : growth.sizes) {
      pipeline.progress.at(`${size} ${axis}`);
      const cost = await costAt(growth, size, pipeline, isQuick, generator);
      if (cost !== undefined) points.push({ at: size, value: cost * growth.times(size) });
    }
    results.push({ name, title, axis, figure, unit: 'us', points, exponent: exponentOf(points) });
  }
  return results;
}

/** CPU a request, in microseconds. */
async function costAt(
  growth: Growth,
  size: number,
  pipeline: Pipeline,
  isQuick: boolean,
  generator: GeneratorKind,
): Promise<number | undefined> {
  const full: Load = { ...PING, warmUp: 0, ...growth.load(size) };
  const load = isQuick ? { ...full, amount: Math.min(full.amount, QUICK.amount) } : full;
  const settings = {
    ...settingsOf(load, pipeline),
    ...(growth.concurrency !== undefined && { concurrency: growth.concurrency(size), handlerTime: 1 }),
  };
  const server = await pipeline.startServer('simple-ipc', settings);
  try {
    // The first is the warm-up.
    await pipeline.generate(server, load, generator, pipeline.signal);
    const sample = await pipeline.generate(server, load, generator, pipeline.signal);
    return FIGURES['CPU a request'].of(sample, { load });
  } catch (error) {
    if (pipeline.signal?.aborted === true) throw error;
    pipeline.progress.note(`${growth.name} ${size} was not measured: ${(error as Error).message}`);
    return undefined;
  } finally {
    await server.close();
  }
}

/** The slope in log-log over the last points, where what is fixed no longer hides it: 1 is linear. */
export function exponentOf(points: GrowthResult['points']): number {
  const last = points.slice(-3).map(({ at, value }) => [Math.log(at), Math.log(value)] as const);
  const mean = (index: 0 | 1) => last.reduce((sum, point) => sum + point[index], 0) / last.length;
  const [x, y] = [mean(0), mean(1)];
  const above = last.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  const below = last.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
  return above / below;
}
