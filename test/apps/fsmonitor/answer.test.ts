/** What is answered, byte for byte, over a real socket. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { request } from '../../../src/index.ts';
import { program, peerTest } from '../../support/peers.ts';
import { mount } from '../../support/mount.ts';
import { repositoryAt, TRIVIAL, watchedTree, watching } from '../../support/watched.ts';

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('the first answer is trivial, and its token is good for the next', async (t) => {
  const tree = await watchedTree(t);
  for (const message of ['builtin:fake', '1794000000000000000']) {
    const { token, paths } = await tree.ask(message);
    t.deepEqual(paths, TRIVIAL);
    t.is(tree.facts.at(-1)?.trivial, 'first-use');
    tree.write('a', message);
    const next = await tree.ask(token);
    t.deepEqual(next.paths, ['.simple-ipc-fsmonitor', 'a']);
    t.deepEqual((await tree.ask(next.token)).paths, []);
  }
});

onLinux(
  'after an answer that was trivial, git is told once that something has changed in each directory',
  async (t) => {
    const tree = await watchedTree(t, ['d/e/f', 'nested/.git/HEAD']);
    const { token } = await tree.ask('flush');
    tree.write('new');
    const all = ['', 'd/', 'd/e/', 'nested/'].map((directory) => `${directory}.simple-ipc-fsmonitor`);
    const first = await tree.ask(token);
    t.deepEqual(first.paths, [...all, 'new'].toSorted());
    t.is(tree.facts.at(-1)?.directories, 4);
    t.deepEqual((await tree.ask(first.token)).paths, []);
    t.is(tree.facts.at(-1)?.directories, undefined);
    t.deepEqual((await tree.ask(token)).paths, [...all, 'new'].toSorted(), 'whoever asks with it again');
  },
);

onLinux('bytes: the token, each path, and NUL after each', async (t) => {
  const tree = await watchedTree(t);
  const [id, first] = (await tree.settled()).split(':').slice(1);
  const second = Number(first) + 1;
  const bytes = async (message: string) =>
    Buffer.from(await (await request(tree.repository.socket, message)).bytes()).toString('latin1');
  t.is(await bytes(`builtin:${id}:${first}`), `builtin:${id}:${first}\0`);
  writeFileSync(Buffer.concat([Buffer.from(`${tree.worktree}/`), Buffer.of(0xe9)]), '');
  t.is(await bytes(`builtin:${id}:${first}`), `builtin:${id}:${second}\0\xe9\0`);
  t.is(await bytes(`builtin:${id}:${second}`), `builtin:${id}:${second}\0`);
  t.is(
    await bytes(`builtin:${id}:${first}`),
    `builtin:${id}:${second}\0\xe9\0`,
    'an old token has its answer still',
  );
  t.is(await bytes('c:other:1'), `builtin:${id}:${second}\0/\0`);
  t.is(await bytes(`builtin:${id}:9`), `builtin:${id}:${second}\0/\0`, 'a token that was never given out');
  t.regex(await bytes('flush'), /^builtin:1\.[^:]+:0\0\/\0$/u);
  t.regex(await bytes(`builtin:${id}:${second}`), /^builtin:1\.[^:]+:0\0\/\0$/u);
  t.is(await bytes('quit'), '');
  t.is((await tree.server.closed).reason, 'quit');
});

for (const [what, message] of Object.entries({
  nothing: '',
  'bytes that are no text': Buffer.of(0, 0xff, 0x0a),
  'a token of a megabyte': `builtin:${'x'.repeat(1 << 20)}:1`,
  'a token with NUL behind it': 'builtin:x:1\0',
}))
  onLinux(`what is no token: ${what}`, async (t) => {
    const tree = await watchedTree(t);
    t.deepEqual((await tree.ask(message)).paths, TRIVIAL);
  });

onLinux('an answer of many paths', async (t) => {
  const tree = await watchedTree(t);
  const names = Array.from({ length: 10_000 }, (_, number) => `directory/file-${number}`);
  // In pieces that do not look like an overflow.
  for (let from = 0; from < names.length; from += 500) {
    for (const name of names.slice(from, from + 500)) tree.write(name, '');
    await tree.ask('x');
    await new Promise((resolve) => setImmediate(resolve));
  }
  const changes = await tree.changes();
  t.deepEqual(changes, ['directory', ...names].toSorted());
});

onLinux('eight clients that ask while files change: what was written before is told to each', async (t) => {
  const tree = await watchedTree(t);
  const token = await tree.settled();
  for (let round = 0; round < 20; round++) {
    tree.write(`before-${round}`);
    const asked = Array.from({ length: 8 }, () => tree.ask(token));
    tree.write(`after-${round}`);
    for (const { paths } of await Promise.all(asked)) t.true(paths.includes(`before-${round}`));
  }
  t.deepEqual(readdirSync(tree.at('.git/fsmonitor--daemon/cookies')), []);
});

onLinux('a client that goes away while its cookie is awaited', async (t) => {
  const tree = await watchedTree(t);
  const token = await tree.settled();
  const framed = `${(token.length + 4).toString(16).padStart(4, '0')}${token}0000`;
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      const socket = connect(tree.repository.socket);
      await new Promise((resolve) => socket.write(framed, resolve));
      socket.destroy();
    }),
  );
  tree.write('a');
  t.deepEqual(await tree.changes(), ['a']);
});

for (const [what, happens] of Object.entries({
  removed: (cookies: string) => rmSync(cookies, { recursive: true }),
  'removed with what it is in': (cookies: string) => rmSync(join(cookies, '..'), { recursive: true }),
  moved: (cookies: string) => renameSync(cookies, `${cookies}-moved`),
  'moved, and another in its place': (cookies: string) => {
    renameSync(join(cookies, '..'), `${join(cookies, '..')}-moved`);
    mkdirSync(cookies, { recursive: true });
  },
}))
  onLinux(`the directory of cookies is ${what}: it answers again`, async (t) => {
    const tree = await watchedTree(t);
    const token = await tree.settled();
    t.deepEqual((await tree.ask(token)).paths, []);
    happens(tree.at('.git/fsmonitor--daemon/cookies'));
    tree.write('a');
    const { paths } = await tree.ask(token);
    t.true(paths.includes('a') || paths.includes('/'), paths.join());
    t.deepEqual(await tree.changes(token), ['a']);
  });

onLinux('a cookie that cannot be made: the answer is trivial, and says why', async (t) => {
  const tree = await watchedTree(t);
  rmSync(tree.at('.git/fsmonitor--daemon'), { recursive: true });
  writeFileSync(tree.at('.git/fsmonitor--daemon'), 'in its way');
  t.deepEqual(await tree.changes(), TRIVIAL);
  t.like(tree.facts.at(-1), { trivial: 'cookie-failed', cause: { code: 'ENOTDIR' } });
  rmSync(tree.at('.git/fsmonitor--daemon'));
  tree.write('a');
  t.deepEqual(await tree.changes(), ['a']);
});

onLinux('the disk is full: the answer is trivial', async (t) => {
  const gitDirectory = mount(t, 'size=64k,nr_inodes=20');
  if (gitDirectory === undefined) return void t.pass();
  const { worktree } = await watchedTree(t);
  const { ask, facts, server, settled } = await watching(t, repositoryAt(worktree, gitDirectory));
  const token = await settled();
  t.deepEqual((await ask(token)).paths, []);
  const fill = `i=0; while : > "$1/fill-$i"; do i=$((i+1)); done`;
  spawnSync('sh', ['-c', fill, 'sh', gitDirectory]);
  t.deepEqual((await ask(token)).paths, TRIVIAL);
  t.like(facts.at(-1), { trivial: 'cookie-failed', cause: { code: 'ENOSPC' } });
  t.is(server.state, 'accepting');
});

onLinux('what stands among the cookies and cannot be removed is in nobody’s way', async (t) => {
  const tree = await watchedTree(t, ['.git/fsmonitor--daemon/cookies/directory/file']);
  for (let round = 0; round < 3; round++) {
    tree.write('a', `${round}`);
    t.deepEqual(await tree.changes(), ['a']);
  }
});

onLinux('what a killed daemon left of a cookie is removed', async (t) => {
  const left = 'fsmonitor--daemon/cookies/1-1';
  const tree = await watchedTree(t, [`.git/${left}`]);
  await tree.changes();
  t.false(existsSync(tree.at(`.git/${left}`)));
});

/** Sends a line, and gives all that is answered. */
async function line(path: string, text: string): Promise<string> {
  const socket = connect(path);
  socket.write(text);
  return (await buffer(socket)).toString('latin1');
}

onLinux('a hook is answered without packets', async (t) => {
  const tree = await watchedTree(t);
  const token = await tree.settled();
  tree.write('a');
  const answer = await line(tree.repository.socket, `hook 2 ${token}\n`);
  t.regex(answer, /^builtin:[^:]+:\d+\0a\0$/u);
  t.is(await line(tree.repository.socket, 'hook 1 1794000000\n'), '', 'another version');
  t.is(await line(tree.repository.socket, 'quit\n'), '', 'another command');
  t.is(tree.server.state, 'accepting');
});

onLinux('a hook is not sent more than it can be sure of', async (t) => {
  const tree = await watchedTree(t);
  const token = await tree.settled();
  for (let number = 0; number < 400; number++) tree.write(`${'n'.repeat(200)}-${number}`);
  const answer = await line(tree.repository.socket, `hook 2 ${token}\n`);
  t.regex(answer, /^builtin:[^:]+:\d+\0\/\0$/u);
  t.is(tree.facts.at(-1)?.trivial, 'too-long');
  t.is((await tree.changes(token)).length, 400);
});

peerTest(program('nc.openbsd', 'netcat-openbsd'))('a hook by nc', async (t, nc) => {
  const tree = await watchedTree(t);
  const token = await tree.settled();
  appendFileSync(tree.at('a'), '');
  const { promise, resolve } = Promise.withResolvers<string>();
  const { spawn } = await import('node:child_process');
  const child = spawn(nc.bin, ['-U', '-N', tree.repository.socket], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(`hook 2 ${token}\n`);
  void buffer(child.stdout).then((bytes) => resolve(bytes.toString()));
  t.regex(await promise, /^builtin:[^:]+:\d+\0a\0$/u);
});
