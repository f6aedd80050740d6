import { join } from 'node:path';
import test from 'ava';
import { request, type ServerStatus } from '../../src/index.ts';
import { VERSION } from '../../src/version.ts';
import { eventually } from '../support/serving.ts';
import { leaveStaleSocket, listenAt } from '../support/rendezvous.ts';
import { stateOf } from '../support/host.ts';
import { temporaryPath } from '../support/temporary.ts';
import { run, startServer } from './command.ts';

const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

test.serial('a server that runs: a table on stdout, nothing on stderr, exit code 0', async (t) => {
  const { path, pid } = await startServer(t);
  await (await request(path, 'ping')).text();
  const { code, stdout, stderr } = await run(t, ['status', path]);
  t.is(stderr, '');
  t.is(code, 0);
  const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
  t.regex(
    stdout.toString(),
    new RegExp(
      `^program   simple-ipc ${VERSION.replaceAll('.', String.raw`\.`)}\n` +
        'state     accepting\n' +
        `process   ${pid}, running\n` +
        String.raw`since     ${time} \((?:less than a second|\d+ s)\)` +
        '\n' +
        'requests  1 answered\n' +
        'open now  0 connections\n' +
        String.raw`memory    \d+\.\d MiB \(heap \d+\.\d MiB\)` +
        '\n' +
        String.raw`runtime   simple-ipc \S+, Node\.js \S+` +
        '\n$',
      'u',
    ),
  );
});

test.serial('--json: the object, on one line', async (t) => {
  const { path, pid } = await startServer(t, ['--program', 'tested', '--program-version', '1.2.3']);
  const { code, stdout, stderr } = await run(t, ['status', path, '--json']);
  t.is(stderr, '');
  t.is(code, 0);
  const [line, ...more] = stdout.toString().split('\n');
  t.deepEqual(more, ['']);
  t.like(JSON.parse(line!) as ServerStatus, {
    path,
    pid,
    program: 'tested',
    version: '1.2.3',
    process: 'running',
    problem: null,
    live: { state: 'accepting', stats: { open: 0 } },
  });
});

test.serial('--program without a version has none', async (t) => {
  const { path } = await startServer(t, ['--program', 'tested']);
  const { stdout } = await run(t, ['status', path]);
  t.regex(stdout.toString(), /^program {3}tested\n/u);
});

onLinux('a server that hangs: what is known, why the rest is not, exit code 1', async (t) => {
  const { path, pid, child } = await startServer(t);
  child.kill('SIGSTOP');
  await eventually(() => stateOf(pid) === 'T', 'it is stopped');
  const { code, stdout, stderr } = await run(t, ['status', path, '--timeout', '50']);
  t.is(code, 1);
  t.regex(stdout.toString(), /^state {5}unknown: it has not answered\n/mu);
  t.true(stdout.toString().includes(`process   ${pid}, stopped\n`));
  t.notRegex(stdout.toString(), /^requests/mu);
  t.regex(stderr, new RegExp(`is stopped.*kill -CONT ${pid} `, 'u'));
});

test.serial('a server that was killed', async (t) => {
  const server = await startServer(t);
  server.child.kill('SIGKILL');
  await server.ended;
  const { code, stdout, stderr } = await run(t, ['status', server.path]);
  t.is(code, 1);
  t.true(stdout.toString().includes(`process   ${server.pid}, gone\n`));
  t.is(
    stderr,
    `simple-ipc: Its process (pid ${server.pid}) has ended, and could not clean up: the next server there does.\n`,
  );
  t.like(JSON.parse((await run(t, ['status', server.path, '--json'])).stdout.toString()), { live: null });
});

test.serial('without a control endpoint, exit code 1', async (t) => {
  const { path } = await startServer(t, ['--no-control']);
  const { code, stdout, stderr } = await run(t, ['status', path]);
  t.is(code, 1);
  t.regex(stdout.toString(), /^program {3}simple-ipc /u);
  t.regex(stderr, /has no control endpoint\./u);
});

test.serial('nobody there, and nobody of ours: a message, exit code 1, and nothing on stdout', async (t) => {
  const [empty, stale, plain] = [temporaryPath(t), temporaryPath(t), temporaryPath(t)];
  await leaveStaleSocket(stale);
  await listenAt(t, plain);
  for (const [path, says] of [
    [empty, /There is nothing at \S+\. Start the server/u],
    [stale, /no process listens on it/u],
    [plain, /it is not of this library/u],
    [join(empty, 'x'), /There is nothing at/u],
  ] as const) {
    const { code, stdout, stderr } = await run(t, ['status', path]);
    t.is(code, 1);
    t.is(stdout.toString(), '');
    t.regex(stderr, says);
    t.is(stderr.trim().split('\n').length, 1, 'no stack');
  }
});

test.serial('wrong arguments: exit code 2', async (t) => {
  for (const args of [['status'], ['status', 'a', '--timeout', 'soon'], ['status', '']])
    t.is((await run(t, args)).code, 2, args.join(' '));
});

test.serial('what a program calls itself does nothing to the terminal', async (t) => {
  const { path } = await startServer(t, ['--program', 'a\u001b[31m\nb']);
  const { stdout } = await run(t, ['status', path]);
  t.false(stdout.toString().includes('\u001b'));
  t.is(stdout.toString().split('\n').length, 9);
});
