// What `simple-ipc fsmonitor` says and how it ends, against `git fsmonitor--daemon` in the same place.
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { probe } from '../../src/index.ts';
import { acquireLock } from '../../src/runtime/rendezvous/lock.ts';
import { mountByFuse } from '../support/mount.ts';
import { git, peerTest } from '../support/peers.ts';
import { eventually, within } from '../support/serving.ts';
import { collector } from '../telemetry/collector.ts';
import { marked } from '../torture/processes.ts';
import { MARK } from '../torture/setting.ts';
import { run, start } from './command.ts';
import { makePlace, type Place, type Where } from './fsmonitor-repository.ts';

const gitTest = peerTest(git);

/** Runs both, and compares all that they said. */
async function same(
  t: ExecutionContext,
  place: Place,
  args: readonly string[],
  where?: Where,
): Promise<void> {
  const theirs = await place.gits(args, where);
  const ours = await place.ours(args, where);
  t.deepEqual(ours, theirs, `${args.join(' ')} ${JSON.stringify(where ?? {})}`);
}

gitTest('no daemon runs: status, stop, and words that are none', async (t, peer) => {
  const place = makePlace(t, peer);
  for (const words of [
    ['status'],
    ['stop'],
    ['bogus'],
    ['status', '--detach'],
    ['status', '--no-detach'],
    ['--det', 'status'],
    ['--', 'status'],
    ['status', '--ipc-threads=0'],
    ['start', '--ipc-threads=0'],
    ['bogus', '--ipc-threads=0'],
    ['start', '--no-ipc-threads'],
    ['start', '--ipc-threads=-5'],
    ['start', '--ipc-threads=x'],
    ['start', '--ipc-threads='],
    ['start', '--ipc-threads'],
    ['start', '--ipc-threads=3000000000'],
    ['status', '--ipc-threads=1k'],
    ['status', '--ipc-threads', '0x10'],
    ['status', '--start-timeout=-1'],
    ['status', '--detach=1'],
  ])
    await same(t, place, words);
});

gitTest(
  'one runs, ours or theirs: start and run refuse, status sees it, and stop ends it',
  async (t, peer) => {
    const place = makePlace(t, peer);
    mkdirSync(join(place.repository, 'sub'));
    for (const starter of [place.ours, place.gits]) {
      t.deepEqual(await starter(['start']), { code: 0, stdout: '', stderr: '' });
      await same(t, place, ['status']);
      await same(t, place, ['status'], { cwd: 'repository/sub' });
      await same(t, place, ['start']);
      await same(t, place, ['run']);
      await same(t, place, ['run', '--detach']);
      t.deepEqual(await place.ours(['stop']), { code: 0, stdout: '', stderr: '' });
      await same(t, place, ['status']);
      await same(t, place, ['stop']);
    }
    t.deepEqual(await place.ours(['start', '--start-timeout=-1', '--ipc-threads', '3']), {
      code: 0,
      stdout: '',
      stderr: '',
    });
    t.deepEqual(await place.gits(['stop']), { code: 0, stdout: '', stderr: '' });
    await same(t, place, ['status']);
  },
);

gitTest("usage has all of git's, and 129", async (t, peer) => {
  const place = makePlace(t, peer);
  for (const words of [
    [],
    ['-h'],
    ['start', '-h'],
    ['status', 'x'],
    ['start', '--foo'],
    ['start', '-x'],
    ['--no', 'status'],
  ]) {
    const theirs = await place.gits(words);
    const ours = await place.ours(words);
    t.is(ours.code, theirs.code);
    for (const stream of ['stdout', 'stderr'] as const) {
      const lines = ours[stream].replaceAll('simple-ipc fsmonitor', 'git fsmonitor--daemon').split('\n');
      // It tells what the other has shown on stdout on stderr, for which there is no reason.
      if (words[0] === '--no') continue;
      t.deepEqual(
        theirs[stream].split('\n').filter((line) => !lines.includes(line)),
        [],
        words.join(' '),
      );
      t.is(ours[stream] === '', theirs[stream] === '');
    }
  }
});

gitTest('places: bare, none, links, worktrees, submodules, and what variables say', async (t, peer) => {
  const place = makePlace(t, peer);
  const { root, repository } = place;
  const at = (cwd: string, env?: NodeJS.ProcessEnv) => ({ cwd, ...(env && { env }) });
  place.git(['init', '--quiet', '--bare', 'bare.git'], { cwd: '.' });
  place.git(['worktree', 'add', '--quiet', '../linked']);
  place.git(['init', '--quiet', 'broken'], { cwd: '.' });
  appendFileSync(join(root, 'broken/.git/config'), '[fsmon\n');
  place.git(['init', '--quiet', 'future'], { cwd: '.' });
  place.git(['config', 'core.repositoryformatversion', '99'], { cwd: 'future' });
  place.git(['init', '--quiet', "we'ird\nname"], { cwd: '.' });
  mkdirSync(join(root, 'none'));
  mkdirSync(join(root, 'pointing'));
  writeFileSync(join(root, 'pointing/.git'), 'gitdir: /nowhere\n');
  mkdirSync(join(root, 'junk'));
  writeFileSync(join(root, 'junk/.git'), 'junk');
  mkdirSync(join(repository, 'sub'));
  symlinkSync('repository', join(root, 'link'));
  // A submodule, as git makes one.
  mkdirSync(join(repository, '.git/modules'));
  place.git(['clone', '--quiet', '--separate-git-dir', '.git/modules/module', '.', 'module']);
  place.git(['config', 'core.worktree', '../../../module'], { cwd: 'repository/module' });
  for (const where of [
    at('bare.git'),
    at('bare.git/objects'),
    at('repository/.git'),
    at('repository/.git/objects'),
    at('none'),
    at('pointing'),
    at('junk'),
    at('broken'),
    at('future'),
    at("we'ird\nname"),
    at('linked'),
    at('link'),
    at('link/sub'),
    at('repository/module'),
    at('none', { GIT_DIR: '../repository/.git' }),
    at('none', { GIT_DIR: join(repository, '.git'), GIT_WORK_TREE: repository }),
    at('repository/sub', { GIT_DIR: '../.git' }),
    at('none', { GIT_DIR: '/nowhere' }),
    at('none', { GIT_WORK_TREE: repository }),
    at('repository', { GIT_WORK_TREE: '/nowhere' }),
    at('repository', { GIT_WORK_TREE: join(root, 'none') }),
    at('bare.git', { GIT_WORK_TREE: join(root, 'none') }),
  ])
    await same(t, place, ['status'], where);
  await same(t, place, ['stop'], at('none'));
  await same(t, place, ['stop'], at('linked'));
  await same(t, place, ['status', '--ipc-threads=0'], at('bare.git'));
  await same(t, place, ['bogus'], at('bare.git'));
  await same(t, place, ['bogus'], at('none'));
});

gitTest('configuration: values of all kinds, and what is wrong with them', async (t, peer) => {
  const place = makePlace(t, peer);
  // What numbers and booleans are is compared in repository.test.ts.
  const values = ['0', '-1', 'x', '1k', 'yes', '', '3g'];
  for (const name of ['ipcThreads', 'startTimeout', 'announceStartup'])
    for (const value of values)
      await same(t, place, ['status'], {
        env: {
          GIT_CONFIG_COUNT: '1',
          GIT_CONFIG_KEY_0: `fsmonitor.${name}`,
          GIT_CONFIG_VALUE_0: value,
        },
      });
  const file = join(place.repository, '.git/config');
  mkdirSync(join(place.repository, 'sub'));
  for (const lines of ['[fsmonitor]\n\tipcThreads = 4\n', '\tipcThreads = 0\n']) {
    appendFileSync(file, lines);
    await same(t, place, ['status']);
    await same(t, place, ['status'], { cwd: 'repository/sub' });
  }
  place.git(['config', '--unset-all', 'fsmonitor.ipcThreads']);
  appendFileSync(file, '[fsmonitor]\n\tstartTimeout\n');
  await same(t, place, ['status']);
  place.git(['config', '--unset-all', 'fsmonitor.startTimeout']);
  writeFileSync(join(place.home, '.gitconfig'), '[fsmonitor]\n\tipcThreads = many\n');
  await same(t, place, ['status']);
});

gitTest('announceStartup: start and run say that they begin', async (t, peer) => {
  const place = makePlace(t, peer);
  place.git(['config', 'fsmonitor.announceStartup', 'true']);
  const expected = { code: 0, stdout: '', stderr: `starting fsmonitor-daemon in '${place.repository}'\n` };
  for (const starter of [place.gits, place.ours]) {
    t.deepEqual(await starter(['start']), expected);
    t.is((await place.ours(['stop'])).code, 0);
  }
});

gitTest('a linked worktree has a daemon of its own', async (t, peer) => {
  const place = makePlace(t, peer);
  place.git(['worktree', 'add', '--quiet', '../linked']);
  t.is((await place.ours(['start'], { cwd: 'linked' })).code, 0);
  await same(t, place, ['status'], { cwd: 'linked' });
  await same(t, place, ['status']);
  t.is(
    (await probe(join(place.repository, '.git/worktrees/linked/fsmonitor--daemon.ipc'))).state,
    'listening',
  );
  t.is((await place.ours(['stop'], { cwd: 'linked' })).code, 0);
});

gitTest(
  'start with GIT_DIR and others set, relative ones too, watches the same worktree',
  async (t, peer) => {
    const place = makePlace(t, peer);
    mkdirSync(join(place.repository, 'sub'));
    const where = {
      cwd: 'repository/sub',
      env: { GIT_DIR: '../.git', GIT_WORK_TREE: '..', GIT_PREFIX: 'sub/', GIT_INDEX_FILE: 'elsewhere' },
    };
    t.deepEqual(await place.ours(['start'], where), { code: 0, stdout: '', stderr: '' });
    await same(t, place, ['status'], where);
    await same(t, place, ['status']);
  },
);

gitTest('a start that its words keep from starting ends, and leaves nobody', async (t, peer) => {
  const place = makePlace(t, peer);
  const mark = { env: { [MARK]: place.repository } };
  const asked = place.ours(['start', '--sample'], mark);
  const { code, stderr } = await within(asked, 'it ends');
  t.is(code, 2);
  t.regex(stderr, /argument missing/u);
  await eventually(() => marked(place.repository).length === 0, 'nobody is left');
  const onStandby = { env: { SIMPLE_IPC_STANDBY: '1' } };
  t.deepEqual(
    await place.ours(['status'], onStandby),
    await place.ours(['status']),
    'only a daemon stands by',
  );
});

gitTest("a daemon that cannot begin: its own words, and git's", async (t, peer) => {
  const place = makePlace(t, peer);
  t.deepEqual(await place.ours(['start', '--service-name=x']), {
    code: 1,
    stdout: '',
    stderr:
      'simple-ipc: --sample, --keep-slower-than, --service-name and --propagate are about traces: add --trace.\n' +
      'error: daemon terminated\n',
  });
  mkdirSync(join(place.repository, '.git/fsmonitor--daemon.ipc'));
  const { code, stdout, stderr } = await place.ours(['start']);
  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /stands a directory[^\n]*\nerror: daemon failed to start\n$/u);
  rmSync(join(place.repository, '.git/fsmonitor--daemon.ipc'), { recursive: true });
  // git's goes on starting; ours is ended, and can be started again with more time. It cannot listen while another has the lock.
  const lock = await acquireLock(join(place.repository, '.git/fsmonitor--daemon.ipc'), { lockTimeout: 0 });
  t.deepEqual(await place.ours(['start', '--start-timeout=0']), {
    code: 1,
    stdout: '',
    stderr: 'error: daemon not online yet\n',
  });
  lock.release();
  t.is((await place.ours(['start'])).code, 0);
});

gitTest(
  'with --trace the span of each git status says how many paths it was told, and why not',
  async (t, peer) => {
    const place = makePlace(t, peer);
    const { endpoint, spans } = await collector(t);
    const where = { env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' } };
    t.is((await place.ours(['start', `--trace=${endpoint}`], where)).code, 0);
    place.git(['config', 'core.fsmonitor', 'true']);
    writeFileSync(join(place.repository, 'a'), 'a');
    place.git(['add', '.']);
    await place.tryGit(['status']);
    writeFileSync(join(place.repository, 'a'), 'changed');
    await place.tryGit(['status']);
    t.is((await place.ours(['stop'])).code, 0);
    const told = () =>
      spans.map(({ attributes }) => attributes).filter((all) => 'simple_ipc.fsmonitor.paths' in all);
    await eventually(() => told().length >= 2, 'the spans are there');
    t.true(told().some((all) => all['simple_ipc.fsmonitor.trivial'] !== undefined));
    const sure = told().filter((all) => all['simple_ipc.fsmonitor.trivial'] === undefined);
    t.true(sure.some((all) => all['simple_ipc.fsmonitor.paths'] === 1));
    t.true(sure.every((all) => Number(all['simple_ipc.fsmonitor.cookie_wait_ms']) > 0));
  },
);

gitTest(
  'on a network file system: refused as git does, unless it is allowed; then git finds it elsewhere',
  async (t, peer) => {
    const place = makePlace(t, peer);
    const { home, root, repository } = place;
    const mounted = join(root, 'mounted');
    mkdirSync(mounted);
    if (!mountByFuse(t, repository, mounted)) return void t.pass();
    const where = { cwd: 'mounted' };
    await same(t, place, ['status'], where);
    await same(t, place, ['start'], where);
    place.git(['config', 'fsmonitor.allowRemote', 'true']);
    await same(t, place, ['status'], where);
    t.deepEqual(await place.ours(['start'], where), { code: 0, stdout: '', stderr: '' });
    await same(t, place, ['status'], where);
    t.is(
      readdirSync(home).filter((name) => name.startsWith('.git-fsmonitor-') && !name.includes('.ipc'))
        .length > 0,
      true,
    );
    t.is((await place.gits(['stop'], where)).code, 0);
    place.git(['config', 'fsmonitor.socketDir', join(root, 'none')]);
    await same(t, place, ['status'], where);
  },
);

gitTest('run: a signal ends it, and nothing is left but the log', async (t, peer) => {
  const { repository, env } = makePlace(t, peer);
  const socket = join(repository, '.git/fsmonitor--daemon.ipc');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const daemon = start(t, ['fsmonitor', 'run'], { cwd: repository, env });
    while ((await probe(socket)).state !== 'listening') await new Promise(setImmediate);
    daemon.child.kill(signal);
    t.deepEqual(await within(daemon.ended, 'it did not end'), {
      code: 0,
      stdout: Buffer.alloc(0),
      stderr: '',
    });
    t.is((await probe(socket)).state, 'not-listening');
  }
});

gitTest('run --detach stays when its terminal goes, and says who it is', async (t, peer) => {
  const { repository, env } = makePlace(t, peer);
  const socket = join(repository, '.git/fsmonitor--daemon.ipc');
  const daemon = start(t, ['fsmonitor', 'run', '--detach'], { cwd: repository, env });
  while ((await probe(socket)).state !== 'listening') await new Promise(setImmediate);
  daemon.child.kill('SIGHUP');
  daemon.child.kill('SIGHUP');
  daemon.child.kill('SIGHUP');
  const { stdout } = await run(t, ['status', socket]);
  t.regex(stdout.toString(), /^program\s+simple-ipc fsmonitor \d/mu);
  t.regex(stdout.toString(), new RegExp(`^process\\s+${daemon.pid},`, 'mu'));
  daemon.child.kill('SIGTERM');
  t.is((await daemon.ended).code, 0);
});

gitTest('git status finds what changed by a daemon that start has started', async (t, peer) => {
  const place = makePlace(t, peer);
  const { repository } = place;
  for (const name of ['a', 'b']) writeFileSync(join(repository, name), name);
  place.git(['add', '.']);
  place.git(['commit', '--quiet', '--message', 'files']);
  place.git(['config', 'core.fsmonitor', 'true']);
  const events = join(place.root, 'events.ndjson');
  t.is((await place.ours(['start', '--events', '../events.ndjson'])).code, 0);
  t.is(place.git(['status', '--porcelain']), '');
  writeFileSync(join(repository, 'a'), 'changed');
  t.is(place.git(['status', '--porcelain']), ' M a\n');
  t.is((await place.ours(['stop'])).code, 0);
  await eventually(() => readFileSync(events, 'utf8').includes('"to":"closed"'), 'the events are there');
});

gitTest('a worktree that is moved away ends its daemon, which says why', async (t, peer) => {
  const { repository, env } = makePlace(t, peer);
  const socket = join(repository, '.git/fsmonitor--daemon.ipc');
  const daemon = start(t, ['fsmonitor', 'run'], { cwd: repository, env });
  while ((await probe(socket)).state !== 'listening') await new Promise(setImmediate);
  renameSync(repository, `${repository}2`);
  const { code, stderr } = await within(daemon.ended, 'it did not end');
  t.is(code, 128);
  t.regex(stderr, /^fatal: .*moved/mu);
});
