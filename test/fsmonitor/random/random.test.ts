/**
 * Random games against our daemon: see play.ts. A seed is drawn and told; SIMPLE_IPC_FSMONITOR_SEED=N plays those of that seed again.
 * Longer ones: node test/fsmonitor/random/main.ts.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { git, peerTest, program as programKind } from '../../support/peers.ts';
import type { Variant } from './choose.ts';
import type { Kind } from './daemons.ts';
import { noStatistics, type Statistics } from './play.ts';
import { findProgram } from './programs.ts';
import { writeGame } from './record.ts';
import { describeFailure, summarize } from './report.ts';
import { run, shrinkGame, type RunOptions } from './run.ts';

const TIMEOUT = 300_000;
/** For a failing game to be made short, in milliseconds. */
const SHRINKING = 60_000;
/** For one whose error is known. */
const A_LITTLE = 10_000;
/** The share of answers that may say "anything", where nothing is done to the daemon: more would hide what is tested. */
const TRIVIAL = 0.1;

const CALM: Variant = { kill: false, overflow: false, slow: false, clients: 1 };

const onSocket = process.platform === 'linux' ? peerTest(git) : peerTest({ ...git, find: () => undefined });
const byHook = process.platform === 'linux' ? peerTest(programKind('nc', 'netcat-openbsd')) : onSocket;

onSocket('git says the same with our daemon and without', async (t) => {
  const { asked, trivial, failed, comparisons } = await played(t, 'ours', 800, CALM, {
    untrackedCache: true,
  });
  t.true(comparisons > 50);
  t.is(failed, 0);
  t.true(trivial < asked * TRIVIAL, `${trivial} of ${asked} answers were trivial`);
});

onSocket(
  'git without untracked cache, in a linked worktree, says the same with our daemon and without',
  async (t) => {
    const { asked, trivial, failed } = await played(t, 'ours', 300, CALM, {
      untrackedCache: false,
      linked: true,
    });
    t.is(failed, 0);
    t.true(trivial < asked * TRIVIAL, `${trivial} of ${asked} answers were trivial`);
  },
);

byHook('an older git says the same with our hook and without', async (t) => {
  const { asked, trivial, failed } = await played(t, 'hook', 300, CALM);
  t.is(failed, 0);
  t.true(trivial < asked * TRIVIAL, `${trivial} of ${asked} answers were trivial`);
});

onSocket('git says the same where the daemon is killed and started at random', async (t) => {
  const { comparisons } = await played(t, 'ours', 300, { ...CALM, kill: true });
  t.true(comparisons > 20);
});

onSocket("git says the same where the kernel's queue overflows", async (t) => {
  const { trivial } = await played(t, 'ours', 300, { ...CALM, overflow: true });
  t.true(trivial > 1);
});

onSocket(
  'eight gits at once, beside clients that stall, say the same as one without our daemon',
  async (t) => {
    const { failed } = await played(t, 'ours', 200, { ...CALM, slow: true, clients: 8 });
    t.is(failed, 0);
  },
);

onSocket("errors of git's own daemon are found", async (t) => {
  const program = findProgram('git');
  const failed = await inTurn(t, async () => {
    // Mostly a renamed directory with directories in it, and a change below them.
    const found = await run({ ...CALM, daemon: 'git', program, seed: seedOf(t), steps: 3_000 });
    return found && ((await shrinkGame(found, program, { until: performance.now() + A_LITTLE })) ?? found);
  });
  t.truthy(
    failed,
    "git's own daemon made no error: has it been mended, or does the game find none any more?",
  );
  if (failed !== undefined) t.log(describeFailure(failed));
});

let others: Promise<unknown> = Promise.resolve();

/** One game at a time: some set a limit of the kernel's while their daemon starts. */
function inTurn<T>(t: ExecutionContext, action: () => Promise<T>): Promise<T> {
  t.timeout(TIMEOUT);
  const result = others.then(action);
  others = result.catch(() => undefined);
  return result;
}

async function played(
  t: ExecutionContext,
  daemon: Kind,
  steps: number,
  variant: Variant,
  more: Pick<RunOptions, 'untrackedCache' | 'linked'> = {},
): Promise<Statistics> {
  const program = findProgram(daemon);
  const statistics = noStatistics();
  const length = Math.ceil(steps / 2);
  await inTurn(t, async () => {
    const begun = performance.now();
    const failed = await run(
      { ...variant, ...more, daemon, program, seed: seedOf(t), steps, length },
      statistics,
    );
    t.log(summarize(statistics, performance.now() - begun));
    if (failed === undefined) return;
    const shortest = await shrinkGame(failed, program, { until: performance.now() + SHRINKING });
    const file = join(mkdtempSync(join(tmpdir(), 'simple-ipc-random-failed-')), 'operations');
    const { game, operations } = shortest ?? failed;
    writeGame(file, game, operations);
    t.log(describeFailure(shortest ?? failed));
    t.fail(`node test/fsmonitor/random/main.ts --replay ${file}`);
  });
  return statistics;
}

function seedOf(t: ExecutionContext): number {
  const seed = Number(process.env['SIMPLE_IPC_FSMONITOR_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.log(`SIMPLE_IPC_FSMONITOR_SEED=${seed}`);
  return seed;
}
