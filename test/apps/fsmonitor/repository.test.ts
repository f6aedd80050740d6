import { execFileSync } from 'node:child_process';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { readConfig } from '../../../src/apps/fsmonitor/config.ts';
import { FsmonitorError } from '../../../src/apps/fsmonitor/errors.ts';
import { runGit } from '../../../src/apps/fsmonitor/git.ts';
import { checkRepository, discover, findRepository } from '../../../src/apps/fsmonitor/repository.ts';
import { boolean, integer } from '../../../src/apps/fsmonitor/values.ts';
import { mountByFuse } from '../../support/mount.ts';
import { program, peerTest } from '../../support/peers.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const gitTest = peerTest(program('git'));

/** A repository that nothing of the user's has to do with, but the file of his settings. */
function repository(t: ExecutionContext): string {
  const directory = realpathSync(temporaryDirectory(t));
  execFileSync('git', ['init', '--quiet', directory]);
  return directory;
}

gitTest(
  'where it is, what it is set to, and where its socket is; from a directory below as well',
  async (t) => {
    const directory = repository(t);
    mkdirSync(join(directory, 'a', 'b'), { recursive: true });
    execFileSync('git', ['-C', directory, 'config', 'fsmonitor.ipcThreads', '2k']);
    execFileSync('git', ['-C', directory, 'config', 'fsmonitor.announceStartup', 'yes']);
    for (const from of [directory, join(directory, 'a/b')])
      t.deepEqual(await findRepository(from), {
        worktree: directory,
        gitDirectory: join(directory, '.git'),
        socket: join(directory, '.git/fsmonitor--daemon.ipc'),
        config: {
          ipcThreads: 2048,
          startTimeout: 60,
          announceStartup: true,
          allowRemote: undefined,
          socketDirectory: undefined,
        },
      });
  },
);

gitTest('a name with newlines, and one that is all that git might read into it', async (t) => {
  const directory = join(realpathSync(temporaryDirectory(t)), 'a\n--/\nb\n');
  execFileSync('git', ['init', '--quiet', directory]);
  t.is((await discover(join(directory, '.git'))).worktree, undefined);
  const plain = join(realpathSync(temporaryDirectory(t)), 'a\nb\n');
  execFileSync('git', ['init', '--quiet', plain]);
  t.is((await findRepository(plain)).worktree, plain);
});

gitTest("without a repository it is in git's words", async (t) => {
  const error = await t.throwsAsync(findRepository(temporaryDirectory(t)), { instanceOf: FsmonitorError });
  t.is(error?.said.split(' ').slice(1, 5).join(' '), 'not a git repository');
  t.is(error?.exitCode, 128);
});

test('where there is no git, or no directory, it says so', async (t) => {
  await t.throwsAsync(runGit(['version'], '/', { git: 'no-such-git' }), {
    instanceOf: FsmonitorError,
    message: /^cannot run no-such-git: it is not in PATH/u,
  });
  await t.throwsAsync(runGit(['version'], join(temporaryDirectory(t), 'none')), {
    message: /the current directory is gone/u,
  });
});

gitTest('numbers and booleans are what git takes them for', async (t) => {
  const directory = repository(t);
  const file = join(directory, 'values');
  for (const value of [
    '1',
    '-1',
    '+1',
    '010',
    '08',
    '0x1F',
    '1k',
    '2M',
    '1g',
    '2g',
    '-2g',
    '3g',
    '',
    'k',
    '1 k',
    'x',
    ' 4',
    '1.5',
    'yes',
    'On',
    'FALSE',
    'no',
  ]) {
    writeFileSync(file, `[a]\n\tb = "${value}"\n`);
    const ask = (type: string) => runGit(['config', '--file', file, '--type', type, 'a.b'], directory);
    const [asNumber, asBoolean] = await Promise.all([ask('int'), ask('bool')]);
    const number = integer(value);
    // It has 32 bits here, and 64 when git only shows it.
    const shown = Number(asNumber.stdout);
    const isSmall = Math.abs(shown) < 2 ** 31;
    if (asNumber.code === 0) t.is(number, isSmall ? shown : 'out of range', value);
    else
      t.true(typeof number === 'string' && asNumber.stderr.includes(number), `${value}: ${asNumber.stderr}`);
    t.is(boolean(value), asBoolean.code === 0 ? asBoolean.stdout === 'true\n' : undefined, value);
  }
});

test('each line of the configuration has to be right, and the last one is what holds', (t) => {
  const lines = (...entries: [string, string?][]) =>
    entries
      .map(([key, value]) => `command line:\0${key}${value === undefined ? '' : `\n${value}`}\0`)
      .join('');
  const config = readConfig(
    lines(['fsmonitor.ipcthreads', '2'], ['fsmonitor.ipcthreads', '3'], ['fsmonitor.other', 'x']),
    '/',
  );
  t.is(config.ipcThreads, 3);
  t.true(readConfig(lines(['fsmonitor.announcestartup']), '/').announceStartup);
  const error = t.throws(
    () => readConfig(lines(['fsmonitor.ipcthreads', '0'], ['fsmonitor.ipcthreads', '3']), '/'),
    {
      instanceOf: FsmonitorError,
    },
  );
  t.is(
    error?.said,
    "error: value of 'fsmonitor.ipcthreads' out of range: 0\nfatal: unable to parse 'fsmonitor.ipcthreads' from command-line config\n",
  );
});

peerTest(program('bindfs'))(
  'on a network file system: refused, unless it is allowed, and the socket is elsewhere',
  async (t) => {
    const directory = repository(t);
    const mounted = realpathSync(temporaryDirectory(t));
    if (!mountByFuse(t, directory, mounted)) return void t.pass();
    const found = await discover(mounted);
    await t.throwsAsync(checkRepository(found), {
      message: `remote repository '${mounted}' is incompatible with fsmonitor`,
    });
    const name = `.git-fsmonitor-${createHash('sha1').update(mounted).digest('hex')}`;
    const allowed = { ...found, config: { ...found.config, allowRemote: 'yes' } };
    t.is((await checkRepository(allowed)).socket, join(homedir(), name));
    const at = (socketDirectory: string) => ({ ...allowed, config: { ...allowed.config, socketDirectory } });
    t.is((await checkRepository(at(directory))).socket, join(directory, name));
    t.is((await checkRepository(at('~'))).socket, join(homedir(), name));
    await t.throwsAsync(checkRepository(at(join(directory, 'none'))), {
      message: `repository '${mounted}' is incompatible with fsmonitor due to errors`,
    });
    const bad = { ...found, config: { ...found.config, allowRemote: 'x' } };
    await t.throwsAsync(checkRepository(bad), {
      message: "bad boolean config value 'x' for 'fsmonitor.allowremote'",
    });
  },
);
