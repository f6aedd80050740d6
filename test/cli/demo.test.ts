import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execFile, execFileSync } from 'node:child_process';
import { promisify, stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { commandLine } from '../../src/cli/command-line.ts';
import { demoPath } from '../../src/cli/demo-path.ts';
import { requestLine } from '../../src/cli/request-line.ts';
import { run, start } from './command.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test.serial(
  'it serves in a private directory, shows a first request, and what to type, which works',
  async (t) => {
    const runtime = temporaryDirectory(t);
    const env = { XDG_RUNTIME_DIR: runtime };
    const demo = start(t, ['demo'], { env });
    const [, command = ''] = await demo.printed(/^ {2}(.* send \S+ ping) +#/mu);
    const path = join(runtime, 'simple-ipc', 'demo.sock');
    t.true(command.includes(path));
    t.is(statSync(dirname(path)).mode & 0o777, 0o700);
    t.is(statSync(path).mode & 0o777, 0o600);

    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command]);
    t.is(stdout, 'pong');
    await demo.printed(
      /^\d\d:\d\d:\d\d\.\d{3} {2}c2 +answered +[\d.]+ ms {2}listening .*, streaming-response [\d.]+ ms$/mu,
    );
    demo.child.kill('SIGINT');
    const ended = await demo.ended;
    t.is(ended.code, 0);
    const shown = ended.stdout.toString();
    t.regex(
      shown,
      /c1: answered in .*\nlistening +[#|].* ms\nreading-request +[#|].* ms\ndispatching +[#|].* ms\nstreaming-response +[#|].* ms\n/u,
    );
    t.is(stripVTControlCharacters(shown), shown, 'no colours but on a terminal');
  },
);

test.serial(
  'on a path of your own; one that is served already says what to do, and quit ends it',
  async (t) => {
    const path = join(temporaryDirectory(t), 'my.sock');
    const demo = start(t, ['demo', path]);
    await demo.said(/Listening at/u);
    const second = await run(t, ['demo', path]);
    t.is(second.code, 1);
    t.regex(second.stderr, /^simple-ipc: A server listens at \S+ already/u);
    const [, stop = ''] = /stop it: +(.*)/u.exec(second.stderr) ?? [];
    execFileSync('/bin/sh', ['-c', stop]);
    t.is((await demo.ended).code, 0);
  },
);

test.serial('a request that fails is shown with its reason', async (t) => {
  const path = join(temporaryDirectory(t), 'my.sock');
  const demo = start(t, ['demo', path]);
  await demo.printed(/Each request is shown/u);
  const sending = start(t, ['send', path, 'slow']);
  await sending.printed(/\n/u);
  sending.child.kill('SIGINT');
  const [line] = await demo.printed(
    /c2 +hung-up .*, streaming-response .* ms: The client closed the connection/u,
  );
  t.truthy(line);
});

test("the private directory is made, and must be this user's alone", (t) => {
  const runtime = temporaryDirectory(t);
  const directory = join(runtime, 'simple-ipc');
  t.is(demoPath({ XDG_RUNTIME_DIR: runtime }), join(directory, 'demo.sock'));
  t.is(statSync(directory).mode & 0o777, 0o700);
  t.is(demoPath({ XDG_RUNTIME_DIR: runtime }), join(directory, 'demo.sock'));
  chmodSync(directory, 0o755);
  t.throws(() => demoPath({ XDG_RUNTIME_DIR: runtime }), { message: /chmod 700 \S+simple-ipc/u });
});

test('a run-time directory that is not there, or not private, is passed over', (t) => {
  const directory = temporaryDirectory(t);
  const open = join(directory, 'open');
  mkdirSync(open);
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = directory;
  chmodSync(open, 0o755);
  for (const runtime of [open, join(open, 'missing'), undefined]) {
    const path = demoPath({ XDG_RUNTIME_DIR: runtime });
    t.is(path, join(directory, `simple-ipc-${process.getuid?.()}`, 'demo.sock'));
    t.is(statSync(dirname(path)).mode & 0o777, 0o700);
  }
  // Nothing else ran meanwhile.
  if (TMPDIR === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = TMPDIR;
});

test('what to type, for each way to have been started', (t) => {
  const node = process.execPath;
  const nodesDirectory = dirname(node);
  const how = {
    node,
    cwd: '/home/me/app',
    path: `/home/me/app/node_modules/.bin:${nodesDirectory}:/usr/bin`,
  };
  t.is(commandLine({ ...how, script: '/home/me/app/node_modules/.bin/simple-ipc' }), 'npx simple-ipc');
  t.is(
    commandLine({ ...how, script: '/home/me/app/node_modules/simple-ipc/dist/cli/main.js' }),
    'npx simple-ipc',
  );
  t.is(commandLine({ ...how, script: '/usr/bin/simple-ipc' }), 'simple-ipc');
  t.is(commandLine({ ...how, script: '/home/me/app/dist/cli/main.js' }), 'node dist/cli/main.js');
  t.is(commandLine({ ...how, script: '/home/me/a b/main.js' }), "node '/home/me/a b/main.js'");
  const other = {
    ...how,
    script: '/home/me/app/dist/cli/main.js',
    path: '/usr/sbin',
    cwd: dirname(nodesDirectory),
  };
  t.is(commandLine(other), 'bin/node /home/me/app/dist/cli/main.js');
});

test('the line of a request', (t) => {
  const report = {
    connection: 'c7',
    outcome: 'handler-failed',
    reason: 'no\u001B[2J\nluck',
    startedAt: new Date(2026, 0, 2, 3, 4, 5, 67).getTime(),
    totalMs: 1_234,
    phases: [
      { state: 'listening', start: 0, ms: 1, waited: 0 },
      { state: 'dispatching', start: 1, ms: 1_233, waited: 12.34 },
    ],
  };
  t.is(
    requestLine(report, false),
    '03:04:05.067  c7   handler-failed   1.23 s  listening 1.00 ms, dispatching 1.23 s (12.3 ms for a slot): no [2J luck',
  );
  t.true(requestLine(report, true).includes('\u001B[33mhandler-failed\u001B[39m'));
});
