import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';

import { request } from '../../src/index.ts';
import type { SimpleIpcError } from '../../src/index.ts';
import { acquireLock } from '../../src/runtime/rendezvous/lock.ts';
import { start } from '../../src/start/start.ts';
import { leaveStaleSocket } from '../support/rendezvous.ts';
import { rawServer } from '../support/raw-server.ts';
import { eventually, PATIENCE, serving, within } from '../support/serving.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';
import { CALLER, isRunning, serversAt } from './servers.ts';

const LINUX = process.platform === 'linux';

async function ask(path: string, message = 'who'): Promise<string> {
  return (await request(path, message)).text();
}

/** What stands beside the socket, but for what the test itself puts there. */
function beside(path: string): string[] {
  return readdirSync(dirname(path)).filter((name) => !name.endsWith('.pids'));
}

async function failure(t: ExecutionContext, starting: Promise<unknown>): Promise<SimpleIpcError> {
  const error = await within(
    t.throwsAsync<SimpleIpcError>(starting, { code: 'SIMPLE_IPC_START_FAILED' }),
    'the start neither succeeded nor failed',
  );
  return error as SimpleIpcError;
}

test('starts a server where none listens, and only there', async (t) => {
  const { path, command, pids } = serversAt(t);
  const first = await start(path, { command: command() });
  t.true(first.started);
  t.is(await ask(path), String(first.pid));
  t.deepEqual(await start(path, { command: command() }), { started: false, pid: first.pid });
  t.deepEqual(pids(), [first.pid]);
});

test('a socket that a dead server left is no server', async (t) => {
  const { path, command, pids } = serversAt(t);
  await leaveStaleSocket(path);
  const { started, pid } = await start(path, { command: command() });
  t.true(started);
  t.deepEqual(pids(), [pid]);
  t.is(await ask(path), String(pid));
});

test('30 callers at once, in 3 processes, start one server', async (t) => {
  const { path, command, pids } = serversAt(t);
  const callers = Array.from({ length: 3 }, () => {
    const child = spawn(process.execPath, [CALLER, path, '10', ...command()], { stdio: 'pipe' });
    t.teardown(() => child.kill('SIGKILL'));
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    return { child, printed: () => printed };
  });
  await within(
    Promise.all(callers.map(({ child }) => once(child.stderr, 'data'))),
    'the callers did not come up',
  );
  for (const { child } of callers) child.stdin.end();
  await within(
    Promise.all(callers.map(({ child }) => once(child, 'close'))),
    'the callers did not end',
    2 * PATIENCE,
  );
  const answers = callers.flatMap(({ printed }) => JSON.parse(printed()) as string[]);
  t.is(pids().length, 1);
  t.deepEqual(
    answers,
    Array.from({ length: 30 }, () => String(pids()[0])),
  );
  t.true(isRunning(pids()[0]!), 'it outlives its clients');
});

test('100 callers in one process start one server, and all of them soon know', async (t) => {
  const { path, command, pids } = serversAt(t);
  const results = await Promise.all(Array.from({ length: 100 }, () => start(path, { command: command() })));
  t.is(pids().length, 1);
  t.is(results.filter(({ started }) => started).length, 1);
  t.true(results.every(({ pid }) => pid === pids()[0]));
});

test('who waits for the lock sees that somebody listens, and needs the lock no more', async (t) => {
  const path = temporaryPath(t);
  const { command, pids } = serversAt(t, path);
  const lock = await acquireLock(path, { name: 'start', lockTimeout: 0 });
  t.teardown(() => lock.release());
  const waiting = start(path, { command: command() });
  const other = spawn(process.execPath, command().slice(1), { stdio: 'ignore' });
  t.teardown(() => other.kill('SIGKILL'));
  t.deepEqual(await within(waiting, 'it waits for the lock'), { started: false, pid: other.pid });
  t.deepEqual(pids(), [other.pid]);
});

test('who waits for the lock for too long is told of whom', async (t) => {
  const { path, command, pids } = serversAt(t);
  const lock = await acquireLock(path, { name: 'start', lockTimeout: 0 });
  t.teardown(() => lock.release());
  const { message } = await failure(t, start(path, { command: command(), timeout: 100 }));
  t.regex(message, /^Somebody else has been starting a server at \S+ for more than 100 ms/);
  t.deepEqual(pids(), []);
});

test('a starter that is killed is in nobody’s way', async (t) => {
  const { path, command, pids } = serversAt(t);
  const caller = spawn(process.execPath, [CALLER, path, '1', ...command('hang')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => caller.kill('SIGKILL'));
  await eventually(() => pids().length === 1, 'the command runs');
  caller.kill('SIGKILL');
  await once(caller, 'close');
  const { started, pid } = await within(start(path, { command: command() }), 'it does not start');
  t.true(started);
  t.deepEqual(pids().slice(1), [pid]);
});

test('it has a session of its own, no terminal, / for its directory, and its output in a log of its owner’s alone', async (t) => {
  const { path, command } = serversAt(t);
  const { pid } = await start(path, {
    command: command(),
    env: { SIMPLE_IPC_TEST: 'told', HOME: undefined },
  });
  const log = `${path}.log`;
  const [session, terminal] = execFileSync('ps', ['-o', 'sid=,tty=', '-p', String(pid)], { encoding: 'utf8' })
    .trim()
    .split(/\s+/);
  t.is(session, String(pid));
  t.regex(terminal!, /^\?+$/);
  const { cwd, files, env } = JSON.parse(await ask(path, 'facts')) as {
    cwd: string;
    files: Record<string, string>;
    env: Record<string, string>;
  };
  t.is(cwd, '/');
  t.is(env['SIMPLE_IPC_TEST'], 'told');
  t.is(env['HOME'], undefined);
  t.is(env['PATH'], process.env['PATH']);
  if (LINUX) {
    t.deepEqual([files['0'], files['1'], files['2']], ['/dev/null', log, log]);
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    t.true(environment.includes(`SIMPLE_IPC_LOG=${log}`));
    t.true(environment.includes('SIMPLE_IPC_LOG_LIMIT=1048576'));
  }
  t.is(statSync(log).mode & 0o777, 0o600);
});

test('what a service manager told this process is not told to it', async (t) => {
  const { path, command } = serversAt(t);
  process.env['NOTIFY_SOCKET'] = '/nowhere';
  t.teardown(() => delete process.env['NOTIFY_SOCKET']);
  await start(path, { command: command() });
  const { env } = JSON.parse(await ask(path, 'facts')) as { env: Record<string, string> };
  t.is(env['NOTIFY_SOCKET'], undefined);
});

test('it runs where it is told to, and a program with a slash is found from here', async (t) => {
  const directory = temporaryDirectory(t);
  const { path, command } = serversAt(t, join(directory, 'test.sock'));
  writeFileSync(join(directory, 'run.sh'), '#!/bin/sh\nexec "$@"\n', { mode: 0o700 });
  const before = process.cwd();
  // Other tests run at the same time, so this one cannot go elsewhere.
  const relative = join(...Array.from(before.split('/').slice(1), () => '..'), directory.slice(1), 'run.sh');
  await start(path, { command: [relative, ...command()], cwd: directory });
  t.is((JSON.parse(await ask(path, 'facts')) as { cwd: string }).cwd, directory);
});

// Node.js itself marks those that follow on each other, and no more of them from 16 on.
test('pipes that this process was given end with this process, though the server runs on', async (t) => {
  const { path, command, pids } = serversAt(t);
  const given = [3, 9, 63];
  const caller = spawn(process.execPath, [CALLER, path, '1', ...command()], {
    stdio: Array.from({ length: 64 }, (_, index) => {
      if (index === 0) return 'ignore';
      return index < 3 || given.includes(index) ? 'pipe' : 'ignore';
    }),
  });
  t.teardown(() => caller.kill('SIGKILL'));
  const ends = [1, ...given].map((index) => once((caller.stdio[index] as Readable).resume(), 'end'));
  await within(Promise.all(ends), 'somebody holds a pipe still');
  t.is(await ask(path), String(pids()[0]));
  if (!LINUX) return;
  const { files } = JSON.parse(await ask(path, 'facts')) as { files: Record<string, string> };
  t.is(files['63'], '/dev/null');
});

if (LINUX) {
  test('a descriptor above a limit that was lowered does not keep a server from being started', async (t) => {
    const { path, command, pids } = serversAt(t);
    const script = 'exec 200</dev/null; ulimit -n 128; exec "$@"';
    const child = spawn('bash', ['-c', script, 'bash', process.execPath, CALLER, path, '1', ...command()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const printed = await within(buffer(child.stdout), 'it does not end');
    t.deepEqual(JSON.parse(printed.toString()), [String(pids()[0])]);
  });
}

test('a shell that waits for the output of a client does not wait for its server', async (t) => {
  const { path, command, pids } = serversAt(t);
  const words = [process.execPath, CALLER, path, '1', ...command()].map((word) => `'${word}'`).join(' ');
  const shell = spawn('/bin/sh', ['-c', `answer=$(${words} 3>&1 9>&1 </dev/null); echo "$answer"`], {
    stdio: 'pipe',
  });
  t.teardown(() => shell.kill('SIGKILL'));
  let printed = '';
  shell.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  await within(once(shell.stdout, 'end'), 'it waits');
  t.deepEqual(JSON.parse(printed), [String(pids()[0])]);
  t.true(isRunning(pids()[0]!));
});

test('a command that ends well may have left the work to another', async (t) => {
  const { path, command, pids } = serversAt(t);
  const { started, pid } = await start(path, { command: command('daemonise') });
  t.true(started);
  t.is(pids().length, 2);
  t.is(pid, pids()[1]);
  t.is(await ask(path), String(pid));
});

test('one that ends well, and leaves nobody that listens, has failed', async (t) => {
  const { path } = serversAt(t);
  const { message } = await failure(t, start(path, { command: ['true'], timeout: 4000 }));
  t.regex(message, /exited with code 0, and within 4000 ms nobody came to listen there: true\n/);
});

test('a command that ends badly while another has come to listen is no failure', async (t) => {
  const { path, command } = serversAt(t);
  const starting = start(path, {
    command: [
      '/bin/sh',
      '-c',
      `"$@" & while [ ! -S '${path}' ]; do sleep 0.01; done; exit 3`,
      'sh',
      ...command(),
    ],
  });
  t.true((await starting).started);
});

// ---- Failures.

test('a program that does not exist, or may not be run', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'test.sock');
  const missing = await failure(t, start(path, { command: ['simple-ipc-no-such-program', 'x'] }));
  t.is(
    missing.message,
    `The server at ${path} was not started: there is no program simple-ipc-no-such-program in PATH. ` +
      'Install it, or give its file. The command was: simple-ipc-no-such-program x',
  );
  t.is(missing.path, path);
  for (const line of ['simple-ipc serve ./x', 'simple-ipc-no-such-program x'])
    t.regex(
      (await failure(t, start(path, { command: [line] }))).message,
      /It is one word with spaces: leave the quotes away\./,
    );
  t.notRegex(missing.message, /quotes/);
  t.regex(
    (await failure(t, start(path, { command: [join(directory, 'no')] }))).message,
    /there is no \/\S+\/no\. Check the command/,
  );
  writeFileSync(join(directory, 'plain'), 'x', { mode: 0o600 });
  t.regex(
    (await failure(t, start(path, { command: [join(directory, 'plain')] }))).message,
    /may not be run.*chmod \+x \S+\/plain/,
  );
  writeFileSync(join(directory, 'script'), '#!/no/such/interpreter\n', { mode: 0o700 });
  t.regex(
    (await failure(t, start(path, { command: [join(directory, 'script')] }))).message,
    /in its first line to be run by does not exist/,
  );
  t.deepEqual(beside(path).toSorted(), ['plain', 'script', 'test.sock.log']);
});

test('a command that is a string is told to be one', async (t) => {
  const path = temporaryPath(t);
  const text = 'node server.js';
  const error = {
    code: 'SIMPLE_IPC_INVALID_ARGUMENT',
    message:
      'The command that starts a server is the string "node server.js", and no shell reads it: give a list, such as ["node","server.js"].',
  };
  await t.throwsAsync(start(path, { command: text as never }), error);
  await t.throwsAsync(start(path, text as never), error);
  await t.throwsAsync(request(path, 'x', { start: text as never }), error);
});

test('a directory that cannot be entered', async (t) => {
  const { path, command, pids } = serversAt(t);
  const { message } = await failure(t, start(path, { command: command(), cwd: `${path}.no` }));
  t.regex(message, /its directory \S+\.no cannot be entered \(ENOENT/);
  t.deepEqual(pids(), []);
});

const logs: Record<string, (log: string) => void> = {
  'a directory': (log) => mkdirSync(log),
  'a symbolic link': (log) => symlinkSync('elsewhere', log),
  'a FIFO that nobody reads': (log) => void execFileSync('mkfifo', [log]),
  'in no directory': () => undefined,
};
for (const [what, make] of Object.entries(logs)) {
  test(`a log that is ${what}: nothing is started`, async (t) => {
    const { path, command, pids } = serversAt(t);
    const log = join(dirname(path), what.startsWith('in') ? 'no/log' : 'log');
    make(log);
    const { message } = await failure(t, start(path, { command: command(), log }));
    t.regex(
      message,
      /^The server at \S+ was not started: its log \S+log cannot be used \(.+\)\. Give another log; \/dev\/null/,
    );
    t.deepEqual(pids(), []);
    t.deepEqual(
      beside(path).filter((name) => name !== 'log'),
      [],
    );
  });
}

if (process.geteuid?.() === 0) {
  test('a log that is another user’s', async (t) => {
    const { path, command, pids } = serversAt(t);
    const log = `${path}.log`;
    writeFileSync(log, '');
    execFileSync('chown', ['65534', log]);
    t.regex((await failure(t, start(path, { command: command() }))).message, /belongs to uid 65534/);
    t.deepEqual(pids(), []);
  });
}

test('/dev/null for a log', async (t) => {
  const { path, command, pids, allGone } = serversAt(t);
  await start(path, { command: command(), log: '/dev/null' });
  t.is(await ask(path), String(pids()[0]));
  t.false(beside(path).includes('test.sock.log'));
  process.kill(pids()[0]!, 'SIGKILL');
  await allGone();
  const { message } = await failure(t, start(path, { command: command('exit', 'x'), log: '/dev/null' }));
  t.regex(message, /It said nothing; its log is \/dev\/null/);
});

test('a command that ends before it listens: how, and what it said since', async (t) => {
  const { path, command, allGone } = serversAt(t);
  writeFileSync(`${path}.log`, 'of another time\n');
  const said = 'first\n\u001B[31mred\u001B[0m\u0007\nlast';
  const { message } = await failure(t, start(path, { command: command('exit', said) }));
  t.regex(
    message,
    /^The command that was to start the server at \S+ exited with code 3 before anybody listened there: /,
  );
  t.true(message.endsWith(`It said, in its log ${path}.log:\n  first\n  red \n  last`), message);
  t.notRegex(message, /of another time/);
  await allGone();
  t.deepEqual(beside(path), [`${basename(path)}.log`]);
});

test('of much that it said, the end', async (t) => {
  const { path, command } = serversAt(t);
  const lines = Array.from({ length: 2000 }, (_, index) => `line ${index}\n`).join('');
  const { message } = await failure(t, start(path, { command: command('exit', lines) }));
  t.true(message.endsWith('  line 1999'));
  const said = message.slice(message.indexOf('It said'));
  // Two spaces before each line.
  t.true(said.length < 4096 * 1.5, String(said.length));
  t.regex(said, /:\n {2}line \d+\n/);
});

test('a command that is killed', async (t) => {
  const { path, command } = serversAt(t);
  const { message } = await failure(t, start(path, { command: command('die') }));
  t.regex(message, /was ended by SIGKILL before anybody listened there/);
  t.regex(message, /It said nothing/);
});

test('a command that hangs is ended, and so is what it started', async (t) => {
  const { path, command, pids, allGone } = serversAt(t);
  const { message } = await failure(t, start(path, { command: command('hang'), timeout: 4000 }));
  t.regex(message, /ran for 4000 ms and was ended, because nobody came to listen there/);
  t.regex(message, /It said, in its log \S+\.log:\n {2}hanging$/);
  t.is(pids().length, 1);
  await allGone();
  t.deepEqual(beside(path), [`${basename(path)}.log`]);
});

test('by force where it must be', async (t) => {
  const { path, command, pids, allGone } = serversAt(t);
  const starting = start(path, { command: command('stubborn'), timeout: 4000 });
  await eventually(() => pids().length === 2, 'both run');
  t.regex((await failure(t, starting)).message, /ran for 4000 ms and was ended by force, because/);
  // What it started takes a moment to be gone.
  await allGone();
});

test('a server that listens elsewhere is ended', async (t) => {
  const { path, command, allGone } = serversAt(t);
  const elsewhere = join(dirname(path), 'elsewhere.sock');
  const starting = start(path, { command: command('elsewhere', elsewhere), timeout: 5000 });
  await eventually(() => beside(path).includes('elsewhere.sock'), 'it listens elsewhere');
  t.regex((await failure(t, starting)).message, /It hangs, or listens elsewhere, or needs a larger timeout/);
  await allGone();
  t.deepEqual(beside(path), [`${basename(path)}.log`]);
});

test('relative arguments are told, where nobody said where to run', async (t) => {
  const { path } = serversAt(t);
  // There, it is no file.
  const command = [process.execPath, 'test/start/servers.ts'];
  t.regex(
    (await failure(t, start(path, { command }))).message,
    /It ran in \/, where test\/start\/servers\.ts is \/test\/start\/servers\.ts: give absolute paths, or a cwd/,
  );
  t.notRegex((await failure(t, start(path, { command, cwd: '/' }))).message, /It ran in/);
  for (const words of [
    ['sh', '-c', 'exec simple-ipc/none ./x'],
    ['false', 'test', 'no/such'],
  ])
    t.notRegex((await failure(t, start(path, { command: words }))).message, /It ran in/);
});

test('after any failure the next start works', async (t) => {
  const { path, command } = serversAt(t);
  await failure(t, start(path, { command: command('exit') }));
  await failure(t, start(path, { command: ['simple-ipc-no-such-program'] }));
  const { pid } = await start(path, { command: command() });
  t.is(await ask(path), String(pid));
});

test('what no start would mend is said instead', async (t) => {
  const { path, command, pids } = serversAt(t);
  writeFileSync(path, 'a file');
  await t.throwsAsync(start(path, { command: command() }), { code: 'SIMPLE_IPC_INVALID_PATH' });
  await t.throwsAsync(start(join(path, '..', 'no', 'test.sock'), { command: command() }), {
    code: 'SIMPLE_IPC_PATH_NOT_FOUND',
    message: /mkdir -m 700/,
  });
  const open = join(temporaryDirectory(t), 'open.sock');
  mkdirSync(`${open}.d`);
  chmodSync(`${open}.d`, 0o777);
  await t.throwsAsync(start(open, { command: command() }), { code: 'SIMPLE_IPC_UNTRUSTED_PATH' });
  t.deepEqual(pids(), []);
});

test('the signal ends the wait, and what was started', async (t) => {
  const { path, command, pids, allGone } = serversAt(t);
  const controller = new AbortController();
  const starting = start(path, { command: command('hang'), signal: controller.signal });
  await eventually(() => pids().length === 1, 'it runs');
  controller.abort(new Error('enough'));
  await t.throwsAsync(within(starting, 'it goes on'), { code: 'SIMPLE_IPC_ABORTED', message: /enough/ });
  await allGone();
  t.deepEqual(beside(path), [`${basename(path)}.log`]);
  await t.throwsAsync(start(path, { command: command(), signal: controller.signal }), {
    code: 'SIMPLE_IPC_ABORTED',
  });
  t.is(pids().length, 1);
});

test('a caller that ends while it waits takes with it what it started', async (t) => {
  const { path, command, pids, allGone } = serversAt(t);
  const script = `
    import { statSync } from 'node:fs';
    import { start } from ${JSON.stringify(new URL('../../src/start/start.ts', import.meta.url).href)};
    void start(${JSON.stringify(path)}, { command: ${JSON.stringify(command('hang'))} });
    const hasWritten = () => statSync(${JSON.stringify(`${path}.pids`)}, { throwIfNoEntry: false })?.size > 0;
    setInterval(() => hasWritten() && process.exit(), 5);`;
  const caller = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  t.teardown(() => caller.kill('SIGKILL'));
  await once(caller, 'close');
  t.is(pids().length, 1);
  await allGone();
});

test('a server of another kind, and a busy one, are servers', async (t) => {
  const raw = await rawServer(t, (socket) => socket.end());
  t.deepEqual(await start(raw, { command: ['false'] }), { started: false, pid: undefined });
  const { path } = await serving(t, () => 'x');
  t.deepEqual(await start(path, { command: ['false'] }), { started: false, pid: process.pid });
});

const wrong: Record<string, object> = {
  'no command': {},
  'an empty command': { command: [] },
  'an empty program': { command: [''] },
  'a command that is text': { command: 'node server.js' },
  'NUL in a command': { command: ['a\0b'] },
  'no time': { command: ['x'], timeout: 0 },
  'a negative time': { command: ['x'], timeout: -1 },
  'no room for a log': { command: ['x'], logLimit: 0 },
  'a log without a name': { command: ['x'], log: '' },
  'a variable with = in its name': { command: ['x'], env: { 'A=B': 'c' } },
};
for (const [what, options] of Object.entries(wrong)) {
  test(`an argument that is none: ${what}`, async (t) => {
    await t.throwsAsync(start(temporaryPath(t), options as never), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
  });
}
