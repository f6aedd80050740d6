/** Plays game after game, and makes a failing one short. */
import { randomOf } from '../../torture/random.ts';
import { Chooser, type Variant } from './choose.ts';
import type { Kind } from './daemons.ts';
import type { Operation } from './operations.ts';
import { noStatistics, play, type Failure, type Game, type Source, type Statistics } from './play.ts';
import type { GitProgram } from './repository.ts';
import { shrink } from './shrink.ts';

export interface RunOptions extends Variant {
  readonly daemon: Kind;
  readonly program: GitProgram;
  readonly seed: number;
  /** Operations in all. */
  readonly steps: number;
  /** Operations of a game, each of which has a repository and a daemon of its own. The default is 1,000. */
  readonly length?: number;
  readonly untrackedCache?: boolean;
  readonly linked?: boolean;
  readonly strict?: boolean;
  /** Is told before each game. */
  readonly onGame?: (game: Game) => void;
}

export interface Failed {
  readonly game: Game;
  readonly operations: readonly Operation[];
  readonly failure: Failure;
}

const LENGTH = 1_000;
/** How often a list is played before it is believed that it does not fail: some of it is a matter of timing. */
const ATTEMPTS = 2;

/** Stops at the first difference. The seeds of games follow each other. */
export async function run(
  options: RunOptions,
  statistics: Statistics = noStatistics(),
): Promise<Failed | undefined> {
  const length = options.length ?? LENGTH;
  for (let seed = options.seed; statistics.operations < options.steps; seed++) {
    const game = gameOf(options, seed);
    options.onGame?.(game);
    const left = Math.min(length, options.steps - statistics.operations);
    const { operations, failure } = await play(game, options.program, chosen(game, left), statistics);
    if (failure !== undefined) return { game, operations, failure };
  }
  return undefined;
}

/** Plays a list of operations; the game fails as any other does. */
export async function replay(
  game: Game,
  program: GitProgram,
  operations: readonly Operation[],
): Promise<Failed | undefined> {
  const played = await play(game, program, listed(operations));
  return played.failure === undefined
    ? undefined
    : { game, operations: played.operations, failure: played.failure };
}

/** Undefined where it did not fail again. */
export async function shrinkGame(
  { game, operations }: Failed,
  program: GitProgram,
  { until = Infinity, onShorter }: { until?: number; onShorter?: (length: number) => void } = {},
): Promise<Failed | undefined> {
  const last = operations.at(-1)!;
  let shortest: Failed | undefined;
  const fails = async (list: readonly Operation[]) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const failed = await replay(game, program, [...list, last]);
      if (failed === undefined) continue;
      shortest = failed;
      onShorter?.(failed.operations.length);
      return true;
    }
    return false;
  };
  const others = operations.slice(0, -1);
  if (await fails(others)) await shrink(others, fails, until);
  return shortest;
}

function gameOf({ daemon, kill, overflow, slow, clients, ...options }: RunOptions, seed: number): Game {
  const random = randomOf(seed);
  const drawn = { untrackedCache: random.chance(0.6), linked: random.chance(0.2) };
  const { untrackedCache = drawn.untrackedCache, linked = drawn.linked, strict = false } = options;
  return { seed, daemon, untrackedCache, linked, strict, kill, overflow, slow, clients };
}

/** Ends with a comparison. */
function chosen(game: Game, length: number): Source {
  let chooser: Chooser | undefined;
  let left = length;
  return ({ directory }) => {
    chooser ??= new Chooser(directory, randomOf(game.seed), game);
    if (left-- > 1) return chooser.next();
    return left === 0 ? { do: 'compare', flags: [], locks: true, clients: 1 } : undefined;
  };
}

function listed(operations: readonly Operation[]): Source {
  let next = 0;
  return () => operations[next++];
}
