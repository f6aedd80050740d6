import { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { EventQueue } from '../../../src/apps/fsmonitor/overflow.ts';
import { TRIVIAL, watchedTree } from '../../support/watched.ts';

const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

test('half as many events in one turn as the queue holds may have been all of it', async (t) => {
  let overflows = 0;
  const queue = new EventQueue(() => overflows++, { limit: 100 });
  for (let turn = 0; turn < 3; turn++) {
    for (let event = 0; event < 49; event++) queue.count();
    await endOfTurn();
  }
  t.is(overflows, 0);
  for (let event = 0; event < 50; event++) queue.count();
  t.is(overflows, 0, 'the turn goes on');
  await endOfTurn();
  t.is(overflows, 1);
  await endOfTurn();
  t.is(overflows, 1);
});

test('what is not wanted any more is closed at the end of a turn', async (t) => {
  let closed = 0;
  const queue = new EventQueue(() => t.fail(), { limit: 100, shortTurn: Infinity });
  queue.closeLater({ close: () => closed++ });
  t.is(closed, 0);
  await endOfTurn();
  t.is(closed, 1);
});

test('it is not closed at the end of a long turn, when events may have come that nobody has seen', async (t) => {
  let closed = 0;
  let overflows = 0;
  const queue = new EventQueue(() => overflows++, { limit: 10, shortTurn: 0 });
  const close = () => closed++;
  for (let watch = 0; watch < 4; watch++) queue.closeLater({ close });
  for (let turn = 0; turn < 3; turn++) await endOfTurn();
  t.deepEqual([overflows, closed], [0, 0]);
  queue.closeLater({ close });
  await endOfTurn();
  t.deepEqual([overflows, closed], [1, 5], 'so many that are closed blindly are as good as an overflow');
});

/** Makes more events than the kernel's queue holds; this thread, which would read them, does not look meanwhile. */
function flood(directory: string): void {
  const limit = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
  for (let number = 0; number < limit; number++) {
    const file = join(directory, `f${number % 7}`);
    writeFileSync(file, '');
    unlinkSync(file);
  }
}

onLinux(
  'the kernel’s queue overflows: nothing is taken for unchanged, and all is right again after it',
  async (t) => {
    const tree = await watchedTree(t, ['a/f', 'b/f']);
    flood(tree.at('a'));
    // These events were dropped.
    tree.write('b/f', 'changed');
    mkdirSync(tree.at('b/new'));
    t.deepEqual(await tree.changes(), TRIVIAL);
    t.is(tree.facts.at(-1)?.trivial, 'overflow');
    t.deepEqual(await tree.changes(), []);
    tree.write('b/new/f');
    t.deepEqual(await tree.changes(), ['b/new/f'], 'what was made meanwhile is watched');
  },
);

onLinux('the queue overflows in a directory that was moved away', async (t) => {
  const tree = await watchedTree(t, ['a/f', 'b/f']);
  renameSync(tree.at('a'), `${tree.worktree}-outside`);
  flood(`${tree.worktree}-outside`);
  tree.write('b/f', 'changed');
  const changes = await tree.changes();
  t.true(changes.includes('/') || changes.includes('b/f'), changes.join());
  tree.write('b/g');
  t.deepEqual(await tree.changes(), ['b/g']);
});
