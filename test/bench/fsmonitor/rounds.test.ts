import test from 'ava';
import { figureOf } from '../../../bench/figures.ts';
import { git, peerTest } from '../../support/peers.ts';
import { run, tiny, withVariable } from './support/running.ts';

// The environment is the process's own: this one is over before the next begins.
test.serial('what is not on this machine is named, and then no repository is made', async (t) => {
  const restore = withVariable('SIMPLE_IPC_GIT', '/nowhere/git');
  try {
    const { results, skipped, log } = await run(t, tiny('no fsmonitor', 'git'));
    t.deepEqual(results, []);
    t.deepEqual(
      skipped.map(({ server, reason }) => [server, /no git 2\.55 .*\/nowhere\/git/.test(reason)]),
      [
        ['no fsmonitor', true],
        ['git', true],
      ],
    );
    t.true(log.every((line) => line.includes(': round ')));
  } finally {
    restore();
  }
});

peerTest(git)(
  "git's own daemon and none, in one repository, with all that is to be told of each",
  async (t) => {
    const { results, skipped, log } = await run(t, tiny('no fsmonitor', 'git'), { repeats: 2 });
    t.deepEqual(skipped, []);
    t.deepEqual(
      results.map(({ server, requests, lastByte }) => [server, requests, lastByte.totalCount]),
      [
        ['no fsmonitor', 4, 4],
        ['git', 4, 4],
      ],
    );
    const [none, daemon] = results;
    t.deepEqual(
      none!.figures.map(({ name }) => name),
      ['git status'],
    );
    for (const name of ['git status', 'query', 'start to ready'] as const)
      t.true(figureOf(daemon!, name)!.median > 0, name);
    if (process.platform === 'linux') {
      t.true(figureOf(daemon!, 'resident memory')!.median > 0.5);
      t.true(figureOf(daemon!, 'idle CPU')!.median < 100);
    }
    t.is(log.filter((line) => line.includes('first commit')).length, 1);
    t.is(log.at(-1), 'removing the repository');
  },
);
