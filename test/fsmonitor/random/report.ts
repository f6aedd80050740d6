/** What is said of games. */
import type { Game, Statistics } from './play.ts';
import type { Failed } from './run.ts';

/** Operations that are shown of a failing game. */
const SHOWN = 40;

export function summarize(
  { operations, effective, comparisons, statuses, excused, asked, trivial, failed }: Statistics,
  milliseconds: number,
  game?: Game,
): string {
  const share = (part: number) => `${asked === 0 ? 0 : ((part / asked) * 100).toFixed(1)} %`;
  return [
    `${operations} operations (${Math.round((operations / milliseconds) * 1_000)} a second), of which ${effective} had something to do`,
    `${comparisons} comparisons`,
    `${statuses} statuses`,
    ...(excused === 0 ? [] : [`${excused} differences that are git's own`]),
    `${asked} answers seen: ${share(trivial)} trivial, ${share(failed)} failed`,
    ...(game === undefined ? [] : [`seed ${game.seed}`]),
  ].join('; ');
}

export function describeFailure({ game, operations, failure }: Failed): string {
  const { what, difference, lasts } = failure;
  const shown = operations.slice(-SHOWN);
  return [
    `${what}${lasts === undefined ? '' : lasts ? ', and does so again' : ', and no more when asked again'}.`,
    `game ${JSON.stringify(game)}`,
    ...(operations.length > shown.length ? [`(${operations.length - shown.length} operations before)`] : []),
    ...shown.map((operation) => `  ${JSON.stringify(operation)}`),
    ...(difference?.missing ?? []).map((line) => `  only without the daemon: ${JSON.stringify(line)}`),
    ...(difference?.wrong ?? []).map((line) => `  only with the daemon:    ${JSON.stringify(line)}`),
    ...(difference?.said ? [`  git said: ${difference.said}`] : []),
  ].join('\n');
}
