// `simple-ipc fsmonitor install` in repositories of real git, of both kinds: with a client of its own, and with a hook.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { probe, status } from '../../src/index.ts';
import { findOnPath } from '../../bench/run/programs.ts';
import { git as newGit, peerTest, type Git, type PeerKind } from '../support/peers.ts';
import { eventually } from '../support/serving.ts';
import { makePlace, type Place } from './fsmonitor-repository.ts';

/** The machine's own, which on Linux has no client before 2.55. */
const anyGit: PeerKind<Git> = {
  name: 'git',
  remedy: 'install git',
  find: () => {
    const bin = findOnPath('git');
    if (bin === undefined) return undefined;
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
    return {
      bin,
      version: '',
      env: { ...Object.fromEntries(inherited), GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' },
    };
  },
};

const newGitTest = peerTest(newGit);
const hookTest = peerTest(anyGit);

function place(t: ExecutionContext, git: Git): Place & { readonly socket: string } {
  const made = makePlace(t, git);
  for (const name of ['a', 'b']) writeFileSync(join(made.repository, name), name);
  made.git(['add', '.']);
  made.git(['commit', '--quiet', '--message', 'files']);
  return { ...made, socket: join(made.repository, '.git/fsmonitor--daemon.ipc') };
}

/** All settings of the repository, but those that a first use of git adds. */
function settings({ git }: Place, scope = '--local'): string {
  return git(['config', scope, '--list']);
}

async function programAt(socket: string): Promise<string | undefined> {
  return (await probe(socket)).state === 'listening' ? (await status(socket)).program : undefined;
}

newGitTest(
  'in a repository: git asks ours; done again it changes nothing; --undo puts all back',
  async (t, git) => {
    const made = place(t, git);
    made.git(['config', 'core.untrackedCache', 'keep']);
    const before = settings(made);
    const { code, stdout, stderr } = await made.ours(['install']);
    t.is(code, 0, stderr);
    t.is(stdout, '');
    const folder = join(made.home, '.local/share/simple-ipc/git-exec');
    const at = `in the repository ${made.repository}`;
    t.is(
      stderr.replaceAll('simple-ipc: ', ''),
      `Set core.fsmonitor to "true" ${at}. --undo takes it out.
Set core.untrackedCache to "true" ${at}; it was "keep". --undo puts "keep" back.
Wrote ${folder}, git's commands with our daemon among them.
Add this line to your shell's profile, so that a git that finds no daemon starts ours:
  export GIT_EXEC_PATH=${folder}
Until then git starts its own daemon where ours does not run.
Install again when git or Node.js was updated: git may have more commands, and ours be elsewhere.
Started the daemon: it watches ${made.repository}.
`,
    );
    t.is(await programAt(made.socket), 'simple-ipc fsmonitor');
    t.is(made.git(['status', '--porcelain']), '');
    writeFileSync(join(made.repository, 'a'), 'changed');
    t.is(made.git(['status', '--porcelain']), ' M a\n');

    const between = settings(made);
    const again = await made.ours(['install'], { env: { GIT_EXEC_PATH: folder } });
    t.is(again.code, 0);
    t.is(settings(made), between);
    t.regex(again.stderr, /core\.fsmonitor is "true" already/u);
    t.regex(again.stderr, /All is there already/u);
    t.regex(again.stderr, /GIT_EXEC_PATH names it already/u);
    t.regex(again.stderr, /The daemon runs already/u);

    const undone = await made.ours(['install', '--undo']);
    t.is(undone.code, 0, undone.stderr);
    t.is(settings(made), before);
    t.is(await programAt(made.socket), undefined);
    t.notRegex(readFileSync(join(folder, 'git'), 'utf8'), /fsmonitor--daemon/u, 'it has only what is git’s');
    t.deepEqual(readdirSync(join(made.home, '.local/share/simple-ipc')), ['git-exec']);
    const twice = await made.ours(['install', '--undo']);
    t.is(twice.code, 0);
    t.regex(twice.stderr, /Nothing is installed in the repository/u);
  },
);

newGitTest(
  "with the folder as GIT_EXEC_PATH a git status that finds no daemon starts ours, and all else is git's",
  async (t, git) => {
    const made = place(t, git);
    await made.ours(['install']);
    await made.ours(['stop']);
    const folder = join(made.home, '.local/share/simple-ipc/git-exec');
    const where = { env: { GIT_EXEC_PATH: folder } };
    t.is((await made.tryGit(['status', '--porcelain'], where)).stdout, '');
    await eventually(() => existsSync(made.socket), 'the socket is there');
    t.is(await programAt(made.socket), 'simple-ipc fsmonitor');
    // By the program in the folder, as scripts of git call it.
    const { stdout } = await made.tryGit(['-c', 'alias.x=!git rev-parse --show-toplevel', 'x'], where);
    t.is(stdout, `${made.repository}\n`);
    t.is((await made.gits(['stop'], where)).code, 0);
    t.is(await programAt(made.socket), undefined);
    // It stays, for a shell whose git needs it, and starts git's own daemon.
    const { stderr } = await made.ours(['install', '--undo']);
    t.regex(stderr, /has git's own commands now, and nothing of ours/u);
    t.is((await made.tryGit(['-c', 'alias.x=!git rev-parse --show-toplevel', 'x'], where)).stdout, stdout);
    t.is((await made.gits(['start'], where)).code, 0);
    await t.throwsAsync(programAt(made.socket), { code: 'SIMPLE_IPC_NO_CONTROL' }, 'it is not ours');
    t.is((await made.gits(['stop'], where)).code, 0);
  },
);

newGitTest(
  'GIT_EXEC_PATH names the folder by another spelling: git does not become its own',
  async (t, git) => {
    const made = place(t, git);
    await made.ours(['install']);
    const folder = join(made.home, '.local/share/simple-ipc/git-exec');
    const before = readFileSync(join(folder, 'git'), 'utf8');
    const { stderr, code } = await made.ours(['install'], { env: { GIT_EXEC_PATH: `${folder}/` } });
    t.is(code, 0, stderr);
    t.regex(stderr, /GIT_EXEC_PATH names it already/u);
    t.is(readFileSync(join(folder, 'git'), 'utf8'), before);
    await made.ours(['stop']);
  },
);

newGitTest("the folder has all of git's commands, new ones too, and none that is gone", async (t, git) => {
  const made = place(t, git);
  const real = join(made.root, 'git-core');
  mkdirSync(real);
  for (const name of ['git', 'git-submodule', 'git-old'])
    writeFileSync(join(real, name), `#!/bin/sh\nexec '${git.bin}' "$@"\n`, { mode: 0o755 });
  const where = { env: { GIT_EXEC_PATH: real } };
  t.is((await made.ours(['install', '--global'], where)).code, 0);
  const folder = join(made.home, '.local/share/simple-ipc/git-exec');
  t.deepEqual(readdirSync(folder).toSorted(), ['git', 'git-old', 'git-submodule']);
  t.is(statSync(join(folder, 'git')).mode & 0o777, 0o755);
  rmSync(join(real, 'git-old'));
  writeFileSync(join(real, 'git-new'), '');
  t.is((await made.ours(['install', '--global'], where)).code, 0);
  t.deepEqual(readdirSync(folder).toSorted(), ['git', 'git-new', 'git-submodule']);
});

newGitTest("git's own daemon is replaced", async (t, git) => {
  const made = place(t, git);
  t.is((await made.gits(['start'])).code, 0);
  const { stderr, code } = await made.ours(['install']);
  t.is(code, 0);
  t.regex(stderr, /Stopped git's own daemon\.\n.*Started the daemon/u);
  t.is(await programAt(made.socket), 'simple-ipc fsmonitor');
});

newGitTest('--global is for all, starts nothing, and can be undone', async (t, git) => {
  const made = place(t, git);
  writeFileSync(join(made.home, '.gitconfig'), '[core]\n\tfsmonitor = /my/own\n\tfsmonitor = false\n');
  const before = settings(made, '--global');
  const { code, stderr } = await made.ours(['install', '--global']);
  t.is(code, 0);
  t.regex(
    stderr,
    /core\.fsmonitor to "true" for all repositories of this user; it was "\/my\/own", "false"/u,
  );
  t.is(settings(made, '--global'), 'core.fsmonitor=true\ncore.untrackedcache=true\n');
  t.is(await programAt(made.socket), undefined);
  t.is((await made.ours(['install', '--global', '--undo'])).code, 0);
  t.is(settings(made, '--global'), before);
});

newGitTest('what was changed since is left alone', async (t, git) => {
  const made = place(t, git);
  await made.ours(['install']);
  made.git(['config', 'core.fsmonitor', '/my/hook']);
  const { stderr } = await made.ours(['install', '--undo']);
  t.regex(stderr, /core\.fsmonitor was changed since, and is left as it is/u);
  t.is(made.git(['config', 'core.fsmonitor']), '/my/hook\n');
  t.is((await made.tryGit(['config', 'core.untrackedCache'])).code, 1);
  // A hook of the user's that was there at the second time.
  await made.ours(['install']);
  made.git(['config', 'core.fsmonitor', '/other/hook']);
  await made.ours(['install']);
  await made.ours(['install', '--undo']);
  t.is(made.git(['config', 'core.fsmonitor']), '/other/hook\n');
});

newGitTest("git's own daemon is left alone by --undo", async (t, git) => {
  const made = place(t, git);
  await made.ours(['install']);
  await made.ours(['stop']);
  await made.gits(['start']);
  const { stderr } = await made.ours(['install', '--undo']);
  t.notRegex(stderr, /Stopped/u);
  t.is((await made.gits(['status'])).code, 0);
});

newGitTest('where it cannot be: a bare repository, none, and words that are none', async (t, git) => {
  const made = place(t, git);
  made.git(['init', '--quiet', '--bare', 'bare.git'], { cwd: '.' });
  t.deepEqual(await made.ours(['install'], { cwd: 'bare.git' }), {
    code: 128,
    stdout: '',
    stderr: `fatal: bare repository '${join(made.root, 'bare.git')}' is incompatible with fsmonitor\n`,
  });
  t.is((await made.ours(['install'], { cwd: '.' })).code, 128);
  t.is((await made.ours(['install', '--nothing'])).code, 2);
  t.regex((await made.ours(['install', '--help'])).stdout, /--undo/u);
});

hookTest(
  'the hook: git status finds what changed, and starts a daemon where there is none',
  async (t, git) => {
    const made = place(t, git);
    made.git(['config', 'core.fsmonitor', '/my/hook']);
    const before = settings(made);
    const { code, stderr } = await made.ours(['install', '--hook']);
    t.is(code, 0, stderr);
    const hook = join(made.repository, '.git/hooks/simple-ipc-fsmonitor');
    t.true(stderr.includes(`Wrote the hook ${hook} for git `), stderr);
    t.is(await programAt(made.socket), 'simple-ipc fsmonitor');
    const trace = join(made.root, 'trace');
    const find = () => made.git(['status', '--porcelain'], { env: { GIT_TRACE_FSMONITOR: trace } });
    t.is(find(), '');
    t.is(find(), '');
    writeFileSync(join(made.repository, 'a'), 'changed');
    writeFileSync(join(made.repository, 'new'), 'new');
    t.is(find(), ' M a\n?? new\n');
    t.regex(readFileSync(trace, 'utf8'), /fsmonitor process '.*' returned success/u);

    await made.ours(['stop']);
    writeFileSync(join(made.repository, 'b'), 'changed');
    t.is(find(), ' M a\n M b\n?? new\n');
    await eventually(() => existsSync(made.socket), 'a daemon is started');
    t.is(await programAt(made.socket), 'simple-ipc fsmonitor');

    t.is((await made.ours(['install', '--hook', '--undo'])).code, 0);
    t.is(settings(made), before);
    t.false(existsSync(hook));
    t.is(await programAt(made.socket), undefined);
  },
);

hookTest(
  'the hook in a linked worktree, and where its path has a quote and a space in it',
  async (t, git) => {
    const made = place(t, git);
    made.git(['clone', '--quiet', '.', "../it's one"]);
    const cwd = "it's one";
    made.git(['worktree', 'add', '--quiet', '../linked'], { cwd });
    t.is((await made.ours(['install', '--hook'], { cwd })).code, 0);
    t.is((await made.ours(['start'], { cwd: 'linked' })).code, 0);
    for (const worktree of [cwd, 'linked']) {
      t.is(made.git(['status', '--porcelain'], { cwd: worktree }), '');
      writeFileSync(join(made.root, worktree, 'a'), 'changed');
      const { stdout, stderr } = await made.tryGit(['status', '--porcelain'], { cwd: worktree });
      t.is(stdout, ' M a\n');
      t.is(stderr, '');
    }
  },
);

hookTest('--global by the hook: each repository has its own daemon', async (t, git) => {
  const made = place(t, git);
  t.is((await made.ours(['install', '--global', '--hook'], { cwd: '.' })).code, 0);
  t.is(made.git(['config', 'core.fsmonitor']), `${made.home}/.local/share/simple-ipc/simple-ipc-fsmonitor\n`);
  t.is(made.git(['status', '--porcelain']), '');
  await eventually(() => existsSync(made.socket), 'a daemon is started');
  writeFileSync(join(made.repository, 'a'), 'changed');
  t.is(made.git(['status', '--porcelain']), ' M a\n');
  t.is((await made.ours(['install', '--global', '--undo'], { cwd: '.' })).code, 0);
  t.deepEqual(readdirSync(join(made.home, '.local/share/simple-ipc')), []);
});
