/** Has a scenario of fsmonitor measured: in one repository for all its rounds, made when it is first needed. */
import type { Measured } from '../aggregate.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Scenario, ServerName } from '../types.ts';
import { measureMonitor } from './measure.ts';
import { monitorOf } from './monitors.ts';
import { makeRepository, type Repository } from './repository.ts';

export type Measure = (name: ServerName) => Promise<Measured>;

/** @throws {Error} where the scenario has no tree */
export async function withRepository<Result>(
  { name: scenario, load }: Pick<Scenario, 'name' | 'load'>,
  pipeline: Pick<Pipeline, 'progress' | 'signal'>,
  use: (measure: Measure) => Promise<Result>,
): Promise<Result> {
  const { tree } = load;
  if (tree === undefined) throw new Error(`The scenario ${scenario} has no tree.`);
  let repository: Promise<Repository> | undefined;
  try {
    return await use(async (name) => {
      // Its git may be missing, and then nothing has to be made.
      const { git } = monitorOf(name);
      repository ??= makeRepository(git, tree, pipeline);
      return measureMonitor(name, await repository, load);
    });
  } finally {
    // Where it could not be made there is nothing to remove, and each that needed it has said why.
    await (await repository?.catch(() => undefined))?.remove();
  }
}
