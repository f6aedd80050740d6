import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findTransport, hookScript, writeHook } from '../../../src/apps/fsmonitor/hook.ts';
import { serve, type Handler } from '../../../src/index.ts';
import { findOnPath } from '../../../bench/run/programs.ts';
import { program, peerTest } from '../../support/peers.ts';
import { eventually } from '../../support/serving.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { spawnHook } from './hook-child.ts';

/** A PATH with these programs, and no others. */
function pathWith(t: ExecutionContext, names: readonly string[]): string {
  const directory = temporaryDirectory(t);
  for (const name of names) symlinkSync(findOnPath(name) as string, join(directory, name));
  return directory;
}

/** A worktree with a hook in it, and perhaps a server behind that. */
async function worktree(
  t: ExecutionContext,
  {
    handler,
    directory = temporaryDirectory(t),
    command = ['false'],
  }: {
    handler?: Handler;
    directory?: string;
    command?: readonly string[];
  },
) {
  const gitDirectory = join(directory, '.git');
  mkdirSync(gitDirectory, { recursive: true });
  const transport = await findTransport();
  if (transport === undefined) throw new Error('there is no transport here');
  const script = join(directory, 'hook');
  writeHook(script, { transport, command });
  if (handler !== undefined) {
    const server = await serve(join(gitDirectory, 'fsmonitor--daemon.ipc'), handler, { unframed: true });
    t.teardown(() => server.close({ drainTimeout: 0 }));
  }
  return { directory, gitDirectory, script };
}

for (const [name, debianPackage] of [
  ['nc', 'netcat-openbsd'],
  ['socat', 'socat'],
  ['perl', 'perl'],
] as const)
  peerTest(program(name, debianPackage))(`where there is only ${name}, that is what is used`, async (t) => {
    const found = await findTransport({ ...process.env, PATH: pathWith(t, [name]) });
    t.is(found?.name, name);
  });

test('a program that only has the name is passed over', async (t) => {
  const directory = pathWith(t, ['perl']);
  writeFileSync(join(directory, 'nc'), '#!/bin/sh\nexit 0\n');
  writeFileSync(join(directory, 'socat'), '#!/bin/sh\necho wrong\n');
  for (const name of ['nc', 'socat']) chmodSync(join(directory, name), 0o755);
  t.is((await findTransport({ ...process.env, PATH: directory }))?.name, 'perl');
});

test('nothing is found where nothing is', async (t) => {
  t.is(await findTransport({ ...process.env, PATH: temporaryDirectory(t) }), undefined);
});

test('the answer is passed on, byte for byte, for the token that was given', async (t) => {
  const answer = Buffer.from('builtin:1:2\0caf\xe9\0new\nline\0', 'latin1');
  let asked = '';
  const { directory, script } = await worktree(t, {
    handler: async (request) => {
      asked = await request.text();
      return answer;
    },
  });
  const { stdout, code } = await spawnHook(t, script, ['2', "builtin:1:1 %s $x 'y"], { cwd: directory });
  t.deepEqual(stdout, answer);
  t.is(code, 0);
  t.is(asked, "hook 2 builtin:1:1 %s $x 'y");
});

test('another version is refused, and says what to set', async (t) => {
  const { directory, script } = await worktree(t, { handler: () => 'token\0' });
  const { stdout, stderr, code } = await spawnHook(t, script, ['1', '123'], { cwd: directory });
  t.is(code, 1);
  t.is(stdout.length, 0);
  t.regex(stderr, /core\.fsmonitorHookVersion 2/u);
});

test("git's directory is where GIT_DIR says, or the file .git; and CDPATH leads nowhere", async (t) => {
  const { directory, gitDirectory, script } = await worktree(t, { handler: () => 'token\0' });
  const linked = join(temporaryDirectory(t), 'a linked, "worktree"');
  mkdirSync(join(linked, '.git'), { recursive: true });
  for (const env of [{ GIT_DIR: gitDirectory }, { GIT_DIR: join('..', '..', directory.slice(5), '.git') }])
    t.is((await spawnHook(t, script, ['2', 'x'], { cwd: linked, env })).stdout.toString(), 'token\0');
  const other = temporaryDirectory(t);
  writeFileSync(join(other, '.git'), `gitdir: ${gitDirectory}\n`);
  const env = { CDPATH: [linked, directory].join(delimiter) };
  t.is((await spawnHook(t, script, ['2', 'x'], { cwd: other, env })).stdout.toString(), 'token\0');
  t.is((await spawnHook(t, script, ['2', 'x'], { cwd: directory, env })).stdout.toString(), 'token\0');
});

test('a path too long for a socket, and with all that a shell or socat reads something into', async (t) => {
  const directory = join(temporaryDirectory(t), `it's, "a": $(name) \\ ${'x'.repeat(100)}`);
  const handler = () => 'token\0';
  const { script } = await worktree(t, { directory, handler });
  t.is((await spawnHook(t, script, ['2', 'x'], { cwd: directory })).stdout.toString(), 'token\0');
});

test("a socket that is not in git's directory is found for its worktree alone", async (t) => {
  const { directory, gitDirectory } = await worktree(t, { handler: () => 'token\0' });
  const other = temporaryDirectory(t);
  mkdirSync(join(other, '.git'));
  const script = join(other, 'hook');
  const transport = await findTransport();
  const socket = join(gitDirectory, 'fsmonitor--daemon.ipc');
  writeHook(script, { transport: transport!, command: ['false'], elsewhere: { worktree: other, socket } });
  t.is((await spawnHook(t, script, ['2', 'x'], { cwd: other })).stdout.toString(), 'token\0');
  t.is((await spawnHook(t, script, ['2', 'x'], { cwd: directory })).stdout.toString(), 'token\0');
  const third = temporaryDirectory(t);
  mkdirSync(join(third, '.git'));
  t.is((await spawnHook(t, script, ['2', 'x'], { cwd: third })).code, 1);
});

test('without a daemon it fails at once, and has started one that holds nothing of its', async (t) => {
  const directory = temporaryDirectory(t);
  const starter = join(directory, 'a starter');
  const told = join(directory, 'told');
  // It goes on until it is told to end: who waited for it would wait for ever.
  writeFileSync(
    starter,
    `#!/bin/sh\npwd >told.new; echo "$@" >>told.new; mv told.new told; read -r x <fifo\n`,
  );
  chmodSync(starter, 0o755);
  spawnSync('mkfifo', [join(directory, 'fifo')]);
  const { script } = await worktree(t, { directory, command: [starter] });
  const { code, stdout, stderr } = await spawnHook(t, script, ['2', 'x'], { cwd: directory });
  t.deepEqual([code, stdout.toString(), stderr], [1, '', '']);
  await eventually(() => existsSync(told), 'the starter was called');
  t.is(readFileSync(told, 'utf8'), `${directory}\nfsmonitor start\n`);
  writeFileSync(join(directory, 'fifo'), '\n');
  // Nor does it try again and again: it is told of once a minute.
  const tried = join(directory, '.git/fsmonitor--daemon/tried');
  rmSync(told);
  t.is((await spawnHook(t, script, ['2', 'x'], { cwd: directory })).code, 1);
  t.false(existsSync(told));
  utimesSync(tried, 0, 0);
  t.is((await spawnHook(t, script, ['2', 'x'], { cwd: directory })).code, 1);
  await eventually(() => existsSync(told), 'the starter was called again');
  writeFileSync(join(directory, 'fifo'), '\n');
});

test('a dead socket, and a server that hangs up, are a failure', async (t) => {
  const { directory, script } = await worktree(t, {
    handler: () => {
      throw new Error('as it should');
    },
  });
  const failed = await spawnHook(t, script, ['2', 'x'], { cwd: directory });
  t.is(failed.stdout.length, 0);
  const dead = await worktree(t, {});
  const left = join(dead.gitDirectory, 'fsmonitor--daemon.ipc');
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  t.is((await spawnHook(t, dead.script, ['2', 'x'], { cwd: dead.directory })).code, 1);
});

test('it is a script of POSIX shells', (t) => {
  const script = hookScript({
    transport: { name: 'nc', command: 'nc -U "$name"' },
    command: ['node', "it's"],
  });
  const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
  t.is(stderr, '');
  t.is(status, 0);
  t.true(script.includes(`node 'it'\\''s' fsmonitor start`));
});
