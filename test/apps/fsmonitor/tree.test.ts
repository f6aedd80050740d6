/** What is told of each thing that may happen in a worktree. The answers are git's to ask for; see test/fsmonitor for what it makes of them. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { mount, mountByFuse } from '../../support/mount.ts';
import { peerTest, program } from '../../support/peers.ts';
import { withoutRights } from '../../support/starter.ts';
import { within } from '../../support/serving.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { repositoryAt, TRIVIAL, watchedTree, watching, type WatchedTree } from '../../support/watched.ts';
import { cases } from './cases.ts';

const UNREADABLE = fileURLToPath(new URL('unreadable-child.ts', import.meta.url));
const onLinux = process.platform === 'linux' ? test : test.skip;

for (const [title, { files = [], happens, told, mayTell = [] }] of Object.entries(cases)) {
  onLinux(title, async (t) => {
    const tree = await watchedTree(t, files);
    t.deepEqual(await tree.changes(), []);
    happens(tree);
    const changes = await tree.changes();
    t.deepEqual(
      changes.filter((path) => !mayTell.includes(path)),
      told.toSorted(),
    );
    t.deepEqual(await tree.changes(), [], 'it is told once');
  });
}

onLinux(
  'below a directory that was renamed, and one that was renamed with it, changes have their new names',
  async (t) => {
    const tree = await watchedTree(t, ['d1/sub/deep/f']);
    renameSync(tree.at('d1'), tree.at('d2'));
    t.like(await tree.changes(), { length: 6 }, 'd1, d2, sub, deep, f, and d2/d1');
    appendFileSync(tree.at('d2/sub/deep/f'), 'x');
    t.deepEqual(await tree.changes(), ['d2/sub/deep/f']);
    renameSync(tree.at('d2'), tree.at('d1'));
    await tree.changes();
    tree.write('d1/sub/deep/g');
    t.deepEqual(await tree.changes(), ['d1/sub/deep/g']);
  },
);

onLinux('two directories that were swapped', async (t) => {
  const tree = await watchedTree(t, ['a/x/1', 'b/x/2']);
  renameSync(tree.at('a'), tree.at('c'));
  renameSync(tree.at('b'), tree.at('a'));
  renameSync(tree.at('c'), tree.at('b'));
  const changes = await tree.changes();
  for (const path of ['a', 'b', 'a/x', 'a/x/2', 'b/x', 'b/x/1']) t.true(changes.includes(path), path);
  appendFileSync(tree.at('a/x/2'), '.');
  t.deepEqual(await tree.changes(), ['a/x/2']);
  appendFileSync(tree.at('b/x/1'), '.');
  t.deepEqual(await tree.changes(), ['b/x/1']);
});

onLinux('a directory that was moved out and comes back is watched again', async (t) => {
  const tree = await watchedTree(t, ['d/e/f']);
  const outside = join(dirname(tree.worktree), 'outside');
  renameSync(tree.at('d'), outside);
  t.deepEqual(await tree.changes(), ['d']);
  appendFileSync(join(outside, 'e/f'), 'x');
  t.deepEqual(await tree.changes(), [], 'outside it is of no interest');
  renameSync(outside, tree.at('d'));
  t.true((await tree.changes()).includes('d/e/f'));
  appendFileSync(tree.at('d/e/f'), 'y');
  t.deepEqual(await tree.changes(), ['d/e/f']);
});

onLinux('a directory that is removed and made again at once is watched', async (t) => {
  const tree = await watchedTree(t, ['d/e/f']);
  for (let round = 0; round < 20; round++) {
    rmSync(tree.at('d'), { recursive: true });
    mkdirSync(tree.at('d/e'), { recursive: true });
    await tree.changes();
    tree.write('d/e/f', `${round}`);
    t.deepEqual(await tree.changes(), ['d/e/f']);
    rmSync(tree.at('d'), { recursive: true });
    tree.write('d/e/f');
    await tree.changes();
  }
});

onLinux('a directory with other attributes is told with all that is in it, and stays watched', async (t) => {
  const tree = await watchedTree(t, ['d/e/f']);
  for (const mode of [0o701, 0o702]) {
    chmodSync(tree.at('d'), mode);
    t.deepEqual(await tree.changes(), ['d', 'd/d', 'd/e', 'd/e/f']);
    tree.write('d/e/f', `${mode}`);
    t.deepEqual(await tree.changes(), ['d/e/f']);
  }
});

onLinux(
  'a directory in place of another, with the same number and in a parent with the same times',
  async (t) => {
    const tree = await watchedTree(t, ['p/d/f']);
    for (let round = 0; round < 20; round++) {
      utimesSync(tree.at('p'), 1, 1);
      chmodSync(tree.at('p/d'), 0o755);
      await tree.changes();
      rmSync(tree.at('p/d'), { recursive: true });
      mkdirSync(tree.at('p/d'));
      utimesSync(tree.at('p'), 1, 1);
      await tree.changes();
      tree.write('p/d/f', `${round}`);
      t.deepEqual(await tree.changes(), ['p/d/f']);
    }
  },
);

onLinux('a worktree in place of another, with the same number', async (t) => {
  const base = temporaryDirectory(t);
  const worktree = join(base, 'tree');
  const gitDirectory = join(base, 'git');
  mkdirSync(worktree);
  mkdirSync(gitDirectory);
  const tree = await watching(t, repositoryAt(worktree, gitDirectory));
  for (let round = 0; round < 5; round++) {
    rmSync(worktree, { recursive: true });
    mkdirSync(worktree);
    // Where it is seen to be another one, nobody is answered; else all is looked at anew.
    const changes = await tree.changes().catch(() => undefined);
    if (changes === undefined) return void t.pass();
    t.deepEqual(changes, TRIVIAL);
    writeFileSync(join(worktree, 'f'), `${round}`);
    t.true((await tree.changes()).includes('f'));
  }
});

onLinux('something in the worktree that is called as it is itself', async (t) => {
  const tree = await watchedTree(t);
  tree.write('tree');
  t.deepEqual(await tree.changes(), ['tree']);
  rmSync(tree.at('tree'));
  t.deepEqual(await tree.changes(), ['tree']);
  tree.write('tree/f');
  t.deepEqual(await tree.changes(), ['tree', 'tree/f']);
});

onLinux('a mount that is taken away and made again between two questions', async (t) => {
  const tree = await watchedTree(t, ['d/f']);
  const run = (...words: [string, ...string[]]) => spawnSync(words[0], words.slice(1)).status === 0;
  const mountIt = () => run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', tree.at('d'));
  if (!mountIt()) {
    t.log('skipped: nothing can be mounted here');
    return void t.pass();
  }
  t.teardown(() => run('umount', '--lazy', tree.at('d')));
  await tree.changes();
  await tree.changes();
  tree.write('d/x', '1');
  t.deepEqual(await tree.changes(), ['d/x']);
  t.true(run('umount', tree.at('d')) && mountIt());
  tree.write('d/x', '2');
  const changes = await tree.changes();
  t.true(changes.includes('/') || changes.includes('d/x'), changes.join());
  await tree.changes();
  tree.write('d/x', '3');
  t.deepEqual(await tree.changes(), ['d/x']);
});

onLinux('what is made while a directory is entered is told', async (t) => {
  const tree = await watchedTree(t);
  const count = 300;
  const script = `for i in $(seq ${count}); do mkdir -p "$i/a/b"; : > "$i/a/b/f"; done`;
  const { status } = spawnSync('sh', ['-c', script], { cwd: tree.worktree });
  t.is(status, 0);
  const changes = new Set(await tree.changes());
  for (let number = 1; number <= count; number++) t.true(changes.has(`${number}/a/b/f`), `${number}`);
});

onLinux('a directory that may not be read: nothing is sure until it can be', (t) => {
  const user = withoutRights(t);
  if (user === undefined) return;
  const base = temporaryDirectory(t);
  chmodSync(base, 0o777);
  const { status, stdout, stderr } = spawnSync(process.execPath, [UNREADABLE, base], {
    encoding: 'utf8',
    ...user,
  });
  t.is(status, 0, stderr);
  const A = '.simple-ipc-fsmonitor';
  t.deepEqual(JSON.parse(stdout), [
    ['unwatchable', ['/']],
    ['unwatchable', ['/']],
    [null, [A, 'd', `d/${A}`, 'd/e', `d/e/${A}`, 'd/e/f']],
    [null, ['d/e/f']],
  ]);
});

onLinux('a path that is too long for the system: nothing is sure', async (t) => {
  const tree = await watchedTree(t);
  const name = 'n'.repeat(250);
  const script = `i=0; while [ $i -lt 16 ]; do mkdir ${name} && cd ${name} || exit 1; i=$((i+1)); done; mkdir ${name} && : > ${name}/f`;
  t.is(spawnSync('sh', ['-c', script], { cwd: tree.worktree }).status, 0);
  t.teardown(() => spawnSync('rm', ['-rf', name], { cwd: tree.worktree }));
  t.deepEqual(await tree.changes(), TRIVIAL);
  t.is(tree.facts.at(-1)?.trivial, 'unwatchable');
  spawnSync('rm', ['-rf', name], { cwd: tree.worktree });
  await tree.changes();
  tree.write('a');
  t.true((await tree.changes()).includes('a'), 'it is gone');
});

onLinux('a mount, and its end: all is looked at anew', async (t) => {
  const source = mount(t, 'size=1m');
  if (source === undefined) return void t.pass();
  const tree = await watchedTree(t, ['d/f']);
  const run = (...command: [string, ...string[]]) =>
    t.is(spawnSync(command[0], command.slice(1)).status, 0, command.join(' '));
  run('mount', '--bind', source, tree.at('d'));
  t.teardown(() => spawnSync('umount', ['--lazy', tree.at('d')]));
  t.deepEqual(await tree.changes(), TRIVIAL);
  t.is(tree.facts.at(-1)?.trivial, 'mount');
  tree.write('d/g');
  t.deepEqual(await tree.changes(), ['d/g'], 'what is mounted is watched');
  run('umount', tree.at('d'));
  t.deepEqual(await tree.changes(), TRIVIAL);
  tree.write('d/f', 'x');
  t.deepEqual(await tree.changes(), ['d/f'], 'what was there before is watched again');
});

peerTest(program('bindfs'))(
  'a file system of elsewhere is mounted: nothing is sure until it is gone',
  async (t) => {
    const tree = await watchedTree(t);
    mkdirSync(tree.at('d'));
    if (!mountByFuse(t, temporaryDirectory(t), tree.at('d'))) return void t.pass();
    t.deepEqual(await tree.changes(), TRIVIAL);
    t.deepEqual(await tree.changes(), TRIVIAL);
    t.is(tree.facts.at(-1)?.trivial, 'remote-mount');
    t.is(spawnSync('umount', [tree.at('d')]).status, 0);
    t.deepEqual(await tree.changes(), TRIVIAL);
    tree.write('d/g');
    t.deepEqual(await tree.changes(), ['d/g']);
  },
);

onLinux('mounts elsewhere are of no interest', async (t) => {
  const tree = await watchedTree(t, ['d/f']);
  if (mount(t, 'size=1m') === undefined) return void t.pass();
  t.deepEqual(await tree.changes(), []);
});

for (const [what, happens] of Object.entries({
  'the worktree is moved': ({ worktree }: WatchedTree) => renameSync(worktree, `${worktree}-moved`),
  'the directory that the worktree is in is moved': ({ worktree }: WatchedTree) =>
    renameSync(dirname(worktree), `${dirname(worktree)}-moved`),
  'another worktree in its place': ({ worktree }: WatchedTree) => {
    renameSync(worktree, `${worktree}-moved`);
    mkdirSync(join(worktree, '.git'), { recursive: true });
  },
  'git’s directory is moved': ({ at }: WatchedTree) => renameSync(at('.git'), at('moved')),
  'git’s directory is removed': ({ at }: WatchedTree) => rmSync(at('.git'), { recursive: true }),
})) {
  onLinux(`${what}: it answers nobody any more, and ends`, async (t) => {
    const tree = await watchedTree(t, ['d/f']);
    const { socket } = tree.repository;
    t.teardown(() => rmSync(`${dirname(tree.worktree)}-moved`, { recursive: true, force: true }));
    happens(tree);
    if (what.startsWith('the directory that')) {
      // Nobody tells of that. Whoever asks is told nothing, and then it is known.
      const moved = socket.replace(dirname(tree.worktree), `${dirname(tree.worktree)}-moved`);
      const { request } = await import('../../../src/index.ts');
      await t.throwsAsync(async () => (await request(moved, 'builtin:fake')).bytes(), {
        code: 'SIMPLE_IPC_HUNG_UP',
      });
    }
    const error = await within(tree.daemon.ended, 'it does not end');
    t.regex(error.message, /was moved, replaced or deleted/u);
  });
}

onLinux('no watches left: what to do is said', (t) => {
  const limit = '/proc/sys/user/max_inotify_watches';
  const before = readFileSync(limit, 'utf8');
  const worktree = join(temporaryDirectory(t), 'tree');
  for (let number = 0; number < 50; number++) mkdirSync(join(worktree, `${number}`), { recursive: true });
  mkdirSync(join(worktree, '.git'));
  const script = `
    import { watchRepository } from ${JSON.stringify(new URL('../../../src/apps/fsmonitor/daemon.ts', import.meta.url).href)};
    try {
      watchRepository({ worktree: process.argv[1], gitDirectory: process.argv[1] + '/.git' });
    } catch (error) { console.log(error.name, error.exitCode, error.message); }
    process.exit();`;
  // In a user namespace of its own the limit is its own as well, and that of nobody else.
  const inside = `echo 20 > ${limit} && exec "$0" --input-type=module -e "$1" "$2"`;
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['--user', '--map-root-user', '--', 'sh', '-c', inside, process.execPath, script, worktree],
    { encoding: 'utf8' },
  );
  t.is(readFileSync(limit, 'utf8'), before);
  if (/unshare: |Read-only|denied/u.test(stderr)) {
    t.log(`skipped: there are no user namespaces with limits of their own here (${stderr.trim()})`);
    return;
  }
  t.regex(stdout, /^Error 128 cannot watch '.*\/tree\/\d+': .*max_user_watches/u, stderr);
});
