/**
 * Long runs by hand:
 *
 *     node test/fsmonitor/random/main.ts [--steps 100000] [--seed N] [--daemon ours|hook|git|none|trivial] [--length 1000]
 *       [--overflow] [--kill] [--slow] [--clients N] [--linked] [--strict] [--untracked-cache | --no-untracked-cache] [--replay FILE]
 *
 * The first difference ends it: its operations are written to a file that --replay takes, made as few as possible.
 * Exit codes: 0 no difference, 1 a difference, 2 a wrong command line.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { KINDS, type Kind } from './daemons.ts';
import { noStatistics, type Game } from './play.ts';
import { findProgram } from './programs.ts';
import { readGame, writeGame } from './record.ts';
import { describeFailure, summarize } from './report.ts';
import { replay, run, shrinkGame, type Failed } from './run.ts';

const TERMINAL_INTERVAL = 1_000;
const LOG_INTERVAL = 10_000;

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    daemon: { type: 'string', default: 'ours' },
    length: { type: 'string', default: '1000' },
    clients: { type: 'string', default: '1' },
    overflow: { type: 'boolean', default: false },
    kill: { type: 'boolean', default: false },
    slow: { type: 'boolean', default: false },
    linked: { type: 'boolean' },
    strict: { type: 'boolean', default: false },
    'untracked-cache': { type: 'boolean' },
    replay: { type: 'string' },
  },
  allowNegative: true,
});
const say = (line: string) => process.stderr.write(`${line}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

if (values.replay === undefined) await playMany();
else await playAgain(values.replay);

async function playMany(): Promise<void> {
  const { overflow, kill, slow, linked, strict } = values;
  const daemon = kind(values.daemon);
  const untrackedCache = values['untracked-cache'];
  const statistics = noStatistics();
  const begun = performance.now();
  let current: Game | undefined;
  const progress = () => summarize(statistics, performance.now() - begun, current);
  const tell = setInterval(
    () => (process.stderr.isTTY ? process.stderr.write(`\r\u001b[K${progress()}`) : say(progress())),
    process.stderr.isTTY ? TERMINAL_INTERVAL : LOG_INTERVAL,
  );
  const seed = number('seed');
  say(`seed ${seed}`);
  const program = findProgram(daemon);
  const failed = await run(
    {
      daemon,
      program,
      seed,
      steps: number('steps'),
      length: number('length'),
      clients: number('clients'),
      overflow,
      kill,
      slow,
      strict,
      ...(linked !== undefined && { linked }),
      ...(untrackedCache !== undefined && { untrackedCache }),
      onGame: (game) => (current = game),
    },
    statistics,
  );
  clearInterval(tell);
  if (process.stderr.isTTY) process.stderr.write('\n');
  process.stdout.write(`${progress()}\n`);
  if (failed !== undefined) await makeShort(failed);
}

async function playAgain(file: string): Promise<void> {
  const { game, operations } = readGame(file);
  const failed = await replay(game, findProgram(game.daemon), operations);
  if (failed === undefined) {
    say('No difference.');
    return;
  }
  process.stdout.write(`${describeFailure(failed)}\n`);
  process.exitCode = 1;
}

async function makeShort(failed: Failed): Promise<void> {
  process.exitCode = 1;
  const directory = mkdtempSync(join(tmpdir(), 'simple-ipc-random-failed-'));
  const file = join(directory, 'operations');
  writeGame(file, failed.game, failed.operations);
  say(
    `${failed.failure.what}, after ${failed.operations.length} operations of seed ${failed.game.seed}: ${file}`,
  );
  const shortest = await shrinkGame(failed, findProgram(failed.game.daemon), {
    onShorter: (length) => say(`  it fails with ${length} operations`),
  });
  if (shortest === undefined) {
    say('It did not fail again when it was replayed: a matter of timing.');
    process.stdout.write(`${describeFailure(failed)}\n`);
    return;
  }
  const short = join(directory, 'shortest');
  writeGame(short, shortest.game, shortest.operations);
  process.stdout.write(`${describeFailure(shortest)}\n`);
  say(`node test/fsmonitor/random/main.ts --replay ${short}`);
}

function kind(text: string): Kind {
  const found = KINDS.find((name) => name === text);
  if (found !== undefined) return found;
  say(`--daemon is ${text}: give ${KINDS.join(', ')}.`);
  process.exit(2);
}

function number(name: 'seed' | 'steps' | 'length' | 'clients'): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  say(`--${name} is ${values[name]}: give a whole number.`);
  process.exit(2);
}
