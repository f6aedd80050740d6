/**
 * Starts, stops, kills, takes over and asks servers at random, from several processes at once, and checks that nothing is
 * lost by it: node test/torture/torture.ts [--seconds 60] [--seed N] [--processes 4]. The exit code is 0 where all was well.
 */
import { parseArgs } from 'node:util';
import { table } from './report.ts';
import { oddWords, run } from './run.ts';

/** Violations that are shown in full. The log has all. */
const SHOWN = 10;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    processes: { type: 'string', default: '4' },
    keep: { type: 'boolean', default: false },
  },
});
const say = (line: string) => process.stderr.write(`${line}\n`);
const seed = number('seed', values.seed);
const seconds = number('seconds', values.seconds);
const processes = number('processes', values.processes);

say(`seed ${seed}`);
const result = await run({ seconds, seed, processes, keep: values.keep, onProgress: say });
const { violations, entries, directory } = result;
process.stdout.write(`${table(entries)}\n`);
if (violations.length > 0) {
  say(`\n${violations.length} violations, seed ${seed}; all actions are in ${directory}`);
  for (const { rule, what, entry } of violations.slice(0, SHOWN))
    say(`\n${rule}: ${what}\n  ${JSON.stringify(entry)}`);
  for (const line of oddWords(result).slice(0, SHOWN)) say(`log: ${line}`);
  process.exitCode = 1;
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  say(`--${name} is ${text}: give a whole number.`);
  process.exit(2);
}
