import type { Load, ScenarioResult, Tree } from '../types.ts';
import { count, formatBytes, formatTime } from './format.ts';

/** What was done to the servers of a scenario, in words. */
export function describeLoad({ scenario, repeats }: ScenarioResult): string {
  const { load, baseline } = scenario;
  const compared = `Ratios (×) are to ${baseline} in the same round.`;
  if (load.tree !== undefined) return `${describeTree(load, load.tree, repeats)} ${compared}`;
  if (scenario.kind === 'start') return `${count(repeats, 'round')}. ${compared}`;
  const isOnce = load.amount > 0 && load.amount <= load.connections;
  const what = [
    count(load.connections, 'client'),
    ...(load.idle > 0 ? [`among ${count(load.idle, 'idle connection')}`] : []),
    ...(load.rate > 0 ? [`${load.rate.toLocaleString('en')} requests a second at fixed times`] : []),
    ...(load.rate === 0 && !isOnce ? ['each asks again as soon as it is answered'] : []),
    `${formatBytes(load.requestBytes)} asked, ${formatBytes(load.answerBytes)} answered`,
    ...(load.readRate > 0 ? [`read at ${formatBytes(load.readRate)} a second`] : []),
  ];
  const limits = [
    ...(load.duration > 0 ? [formatTime(load.duration * 1_000)] : []),
    ...(load.amount > 0 ? [count(load.amount, 'request')] : []),
  ];
  const warm = load.warmUp > 0 ? ` after ${formatTime(load.warmUp * 1_000)} of warm-up` : '';
  const c = load.sleeps ? 'a C program' : 'a C program that never sleeps';
  const by = scenario.generator === 'c' ? c : "each peer's own client in Node.js";
  return `${what.join(', ')}. ${count(repeats, 'round')}${scenario.fresh ? ', each with new servers,' : ''} of ${limits.join(' or ')}${warm}, driven by ${by}. ${compared}`;
}

function describeTree({ amount, duration }: Load, tree: Tree, repeats: number): string {
  const { directories, files } = tree;
  const idle = duration > 0 ? ` and ${formatTime(duration * 1_000)} of rest` : '';
  return `${count(directories, 'directory', 'directories')} and ${count(files, 'file')}, untracked cache on. ${count(repeats, 'round')}, each with a new daemon, of ${amount} times \`git status\`${idle}.`;
}
