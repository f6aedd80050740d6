import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { inheritedSocket } from '../../src/system/listen-fds.ts';
import { peerTest, program, type PeerKind, type Program } from '../support/peers.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';
import { descriptorOf, listen, spawnWith } from './handing-in.ts';

const CHILD = fileURLToPath(new URL('listen-fds-child.ts', import.meta.url));
const INVALID = 'SIMPLE_IPC_INVALID_ARGUMENT';

interface Report {
  readonly socket?: { fd: number; path: string } | null;
  readonly code?: string;
  readonly message?: string;
  readonly child: { names: string[]; isOpen: boolean };
}

/** What a process finds that these descriptors are handed to. */
async function take(
  t: ExecutionContext,
  descriptors: readonly number[],
  { path, env }: { path?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Report> {
  const args = [process.execPath, CHILD, ...(path === undefined ? [] : [path])];
  const child = spawnWith(t, descriptors, args, env);
  child.stderr!.pipe(process.stderr);
  return JSON.parse(await text(child.stdout!)) as Report;
}

/** The descriptor of a Unix socket that listens at a path. */
async function listening(t: ExecutionContext, path: string): Promise<number> {
  return descriptorOf(await listen(t, { path }));
}

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('the only one is taken, at its address or at the path that is its own', async (t) => {
  const path = temporaryPath(t);
  const fd = await listening(t, path);
  t.deepEqual((await take(t, [fd])).socket, { fd: 3, path });
  t.deepEqual((await take(t, [fd], { path })).socket, { fd: 3, path });
});

onLinux('children get neither the variables nor the descriptor', async (t) => {
  const fd = await listening(t, temporaryPath(t));
  const env = { LISTEN_FDNAMES: 'app.socket', LISTEN_PIDFDID: '1' };
  t.deepEqual((await take(t, [fd], { env })).child, { names: [], isOpen: false });
});

onLinux('of several, the one at the path is taken', async (t) => {
  const directory = temporaryDirectory(t);
  const paths = ['a b.sock', 'line\nbreak.sock', 'c.sock'].map((name) => join(directory, name));
  const descriptors = await Promise.all(paths.map((path) => listening(t, path)));
  for (const [index, path] of paths.entries()) {
    t.deepEqual((await take(t, descriptors, { path })).socket, { fd: 3 + index, path });
  }
});

onLinux('it is found through links, to its directory and to itself', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'real'));
  symlinkSync('real', join(directory, 'link'));
  symlinkSync('real/app.sock', join(directory, 'other.sock'));
  const a = await listening(t, join(directory, 'real', 'app.sock'));
  const b = await listening(t, join(directory, 'b.sock'));
  for (const path of [join(directory, 'link', 'app.sock'), join(directory, 'other.sock')]) {
    t.deepEqual((await take(t, [b, a], { path })).socket, { fd: 4, path });
  }
  // Also when the socket itself was deleted meanwhile.
  rmSync(join(directory, 'real', 'app.sock'));
  const path = join(directory, 'link', 'app.sock');
  t.deepEqual((await take(t, [b, a], { path })).socket, { fd: 4, path });
});

onLinux('one whose name means nothing here is taken to be the one at the path', async (t) => {
  const path = temporaryPath(t);
  const fd = await listening(t, `${path}~`);
  renameSync(`${path}~`, path);
  t.deepEqual((await take(t, [fd], { path })).socket, { fd: 3, path });
  const { code, message } = await take(t, [fd, fd], { path });
  t.is(code, INVALID);
  t.regex(message!, /^No socket at .*test\.sock was handed in .*3, which listens at .*~'; .*4, which/);
});

onLinux('a path that none of them is at is an error that says where they are', async (t) => {
  const directory = temporaryDirectory(t);
  const [a, b, other] = ['a', 'b', 'other'].map((name) => join(directory, `${name}.sock`)) as [
    string,
    string,
    string,
  ];
  const fd = await listening(t, a);
  const one = await take(t, [fd], { path: other });
  t.is(one.code, INVALID);
  t.is(
    one.message,
    `No socket at ${other} was handed in by the service manager, but the descriptor 3, which listens at ${a}. ` +
      "Give PATH and the socket unit's ListenStream= the same path.",
  );
  const env = { LISTEN_FDNAMES: 'app.socket:' };
  const two = await take(t, [fd, await listening(t, b)], { path: other, env });
  t.true(
    two.message!.includes(`the descriptor 3 (app.socket), which listens at ${a}; the descriptor 4, which`),
  );
});

onLinux('without a path, several are an error', async (t) => {
  const directory = temporaryDirectory(t);
  const descriptors = await Promise.all(
    ['a', 'b'].map((name) => listening(t, join(directory, `${name}.sock`))),
  );
  const { code, message } = await take(t, descriptors);
  t.is(code, INVALID);
  t.regex(message!, /handed in 2 descriptors: .*a\.sock; .*b\.sock\. Say by PATH/);
});

onLinux('what is no listening Unix stream socket is an error that says what it is', async (t) => {
  const path = temporaryPath(t);
  const server = await listen(t, { path });
  const client = connect(path);
  t.teardown(() => client.destroy());
  const [accepted] = (await once(server, 'connection')) as [Socket];
  t.teardown(() => accepted.destroy());
  const tcp = await listen(t, { host: '127.0.0.1', port: 0 });
  const abstract = await listen(t, { path: `\0${path}` });
  const file = openSync(CHILD, 'r');
  t.teardown(() => closeSync(file));
  const cases: [number, string][] = [
    [descriptorOf(accepted), 'a connection that was accepted already'],
    [descriptorOf(tcp), 'a TCP socket'],
    [descriptorOf(abstract), `a socket with an abstract address, @${path}`],
    [file, 'no socket'],
  ];
  for (const [fd, what] of cases) {
    for (const options of [{}, { path }]) {
      const { code, message } = await take(t, [fd], options);
      t.is(code, INVALID, what);
      t.is(
        message,
        `The service manager handed in the descriptor 3, which is ${what}, and not a Unix stream socket that listens. ` +
          'Its socket unit needs ListenStream= with an absolute path, and Accept=no.',
      );
    }
  }
});

const systemd = program('systemd-socket-activate', 'systemd');
const socat = program('socat');
/** To send what `--datagram` waits for. */
const systemdAndSocat: PeerKind<Program> = {
  name: 'systemd-socket-activate and socat',
  remedy: `${systemd.remedy}, ${socat.remedy}`,
  find: () => socat.find() && systemd.find(),
};

for (const [flag, type, connector, what] of [
  ['--datagram', 2, 'UNIX-SENDTO', 'a datagram socket'],
  ['--seqpacket', 5, 'UNIX-CONNECT', 'a socket of sequential packets'],
  ['--accept', 1, 'UNIX-CONNECT', 'a connection that was accepted already'],
] as const) {
  peerTest(systemdAndSocat)(`what systemd hands in for ${flag} is refused`, async (t, { bin }) => {
    const path = temporaryPath(t);
    const child = spawn(bin, [flag, '-l', path, process.execPath, CHILD, path], { stdio: 'pipe' });
    t.teardown(() => child.kill('SIGKILL'));
    await said(child.stderr, /Listening on/);
    const client = spawn('socat', ['-u', '-', `${connector}:${path}${type === 5 ? ',type=5' : ''}`]);
    t.teardown(() => client.kill('SIGKILL'));
    client.stdin.end('x');
    // With --accept it is a child's, which outlives nobody, but whose stdout systemd-socket-activate keeps open.
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { code, message } = JSON.parse(String(line)) as Report;
    t.is(code, INVALID);
    t.true(message!.includes(`, which is ${what}, and not a Unix stream socket that listens.`), message);
  });
}

async function said(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<void> {
  let all = '';
  while (!pattern.test(all)) {
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    all += String(chunk);
  }
}

test('nothing is handed in: no variables, or those of another process', (t) => {
  const fds = { LISTEN_FDS: '1' };
  for (const variables of [
    {},
    fds,
    { ...fds, LISTEN_PID: '' },
    { ...fds, LISTEN_PID: String(process.ppid) },
    { LISTEN_PID: String(process.pid) },
    { LISTEN_PID: String(process.pid), LISTEN_FDS: '0' },
    // What is not for this process is not looked at.
    { LISTEN_PID: String(process.ppid), LISTEN_FDS: 'x' },
  ]) {
    const environment: NodeJS.ProcessEnv = { ...variables, HOME: '/' };
    t.is(inheritedSocket('/app.sock', environment), undefined);
    t.deepEqual(environment, { HOME: '/' });
  }
});

test('variables that make no sense are an error, and are taken away all the same', (t) => {
  const LISTEN_PID = String(process.pid);
  for (const [variables, message] of [
    [{ LISTEN_PID: 'x', LISTEN_FDS: '1' }, /^LISTEN_PID is "x", which is no number: .* unset LISTEN_PID and/],
    [{ LISTEN_PID, LISTEN_FDS: '-1' }, /^LISTEN_FDS is "-1", which is no number/],
    [{ LISTEN_PID, LISTEN_FDS: '1e9' }, /^LISTEN_FDS is "1e9", which is no number/],
    [{ LISTEN_PID, LISTEN_FDS: '4294967297' }, /^LISTEN_FDS is "4294967297", which is no number/],
  ] as const) {
    const environment: NodeJS.ProcessEnv = { ...variables };
    t.throws(() => inheritedSocket(undefined, environment), { code: INVALID, message });
    t.deepEqual(environment, {});
  }
});

onLinux('a descriptor that is not open is an error', async (t) => {
  const fd = await listening(t, temporaryPath(t));
  // Among the first ones, a process has others of its own.
  const { code, message } = await take(t, [fd], { env: { LISTEN_FDS: '999999999' } });
  t.is(code, INVALID);
  t.regex(message!, /^LISTEN_FDS is 999999999, but the descriptor \d+ is not open/);
});
