import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isRunning, serversAt } from '../start/servers.ts';
import { rawServer } from '../support/raw-server.ts';
import { eventually } from '../support/serving.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { MAIN, run, start, startServer } from './command.ts';

/** `send` with a start, from the directory of the path. */
function send(
  t: ExecutionContext,
  path: string,
  message: string,
  command: readonly string[],
  ...flags: string[]
) {
  return run(t, ['send', path, message, ...flags, '--start', '--', ...command], { cwd: dirname(path) });
}

test.serial('starts the server that it asks; the next one finds it, and it outlives both', async (t) => {
  const { path, command, pids } = serversAt(t);
  const first = await send(t, path, 'who', command());
  t.deepEqual(first, { code: 0, stdout: Buffer.from(String(pids()[0])), stderr: '' });
  t.deepEqual(await send(t, path, 'who', command()), first);
  t.is(pids().length, 1);
  t.true(isRunning(pids()[0]!));
  const facts = await send(t, path, 'facts', command());
  t.is((JSON.parse(facts.stdout.toString()) as { cwd: string }).cwd, '/');
});

test.serial('a command of its own words, with a path as it was typed', async (t) => {
  const directory = temporaryDirectory(t);
  const words = [process.execPath, MAIN, 'serve', './app.sock', '--read-timeout', '5000'];
  const { code, stdout, stderr } = await run(t, ['send', '--start', './app.sock', 'pid', '--', ...words], {
    cwd: directory,
  });
  t.is(stderr, '');
  t.is(code, 0);
  t.is(stdout.toString(), 'unhandled command: pid');
  const log = readFileSync(join(directory, 'app.sock.log'), 'utf8');
  t.true(log.includes(`: Listening at ${directory}/app.sock, `), log);
  const quit = await run(t, ['send', './app.sock', 'quit'], { cwd: directory });
  t.is(quit.code, 0);
  await eventually(() => readdirSync(directory).join() === 'app.sock.log', 'nothing but the log is left');
});

test.serial('where it runs, where its output goes, and how long it may take', async (t) => {
  const { path, command } = serversAt(t);
  const directory = dirname(path);
  const facts = await send(t, path, 'facts', command(), '--start-cwd', '.', '--start-log', 'own.log');
  t.is((JSON.parse(facts.stdout.toString()) as { cwd: string }).cwd, directory);
  t.true(readdirSync(directory).includes('own.log'));
  t.false(readdirSync(directory).includes(`${basename(path)}.log`));

  const other = serversAt(t);
  const late = await send(t, other.path, 'x', other.command('hang'), '--start-timeout', '1500');
  t.is(late.code, 1);
  t.regex(
    late.stderr,
    /^simple-ipc: The command that was to start the server at \S+ ran for 1500 ms and was ended/u,
  );
  await other.allGone();
});

test.serial('a server that fails to start: its own words, and exit code 1', async (t) => {
  const { path, command } = serversAt(t);
  const { code, stdout, stderr } = await send(t, path, 'x', command('exit', 'no database\n'));
  t.is(code, 1);
  t.is(stdout.toString(), '');
  t.regex(stderr, /exited with code 3 before anybody listened there/u);
  t.true(stderr.endsWith('\n  no database\n'));
  const missing = await send(t, path, 'x', ['simple-ipc-no-such-program']);
  t.is(missing.code, 1);
  t.regex(missing.stderr, /there is no program simple-ipc-no-such-program in PATH/u);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test.serial(`${signal} while a server is started ends that, too`, async (t) => {
    const { path, command, pids } = serversAt(t);
    const sending = start(t, ['send', path, 'x', '--start', '--', ...command('stubborn')]);
    await eventually(() => pids().length === 2, 'it runs');
    sending.child.kill(signal);
    const { code, stderr } = await sending.ended;
    t.is(code, 1);
    t.regex(stderr, new RegExp(`^simple-ipc: Given up by ${signal}`, 'u'));
    // What was killed by force takes a moment to be gone.
    await eventually(() => !pids().some(isRunning), 'both are gone');
  });
}

const ends: Record<string, readonly NodeJS.Signals[]> = {
  'a second SIGINT': ['SIGINT', 'SIGINT'],
  'one SIGHUP': ['SIGHUP'],
};
for (const [what, signals] of Object.entries(ends)) {
  test.serial(`${what} leaves nothing behind that ignores SIGTERM`, async (t) => {
    const { path, command, pids } = serversAt(t);
    const sending = start(t, ['send', path, 'x', '--start', '--', ...command('stubborn')]);
    await eventually(() => pids().length === 2, 'it runs');
    for (const signal of signals) {
      sending.child.kill(signal);
      // Signals that come at once may be one.
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    t.is((await sending.ended).code, 1);
    await eventually(() => !pids().some(isRunning), 'it is gone');
  });
}

test.serial('without --start, -- has its meaning', async (t) => {
  const { path } = await startServer(t);
  const { stdout } = await run(t, ['send', path, '--', '--start']);
  t.is(stdout.toString(), 'unhandled command: --start');
});

const wrong: Record<string, { args: string[]; says: RegExp }> = {
  'no command': {
    args: ['--start'],
    says: /^simple-ipc: --start needs the command of the server at the end/u,
  },
  'an empty command': { args: ['--start', '--'], says: /^simple-ipc: --start needs the command/u },
  'no --start': { args: ['--start-log', 'x'], says: /add --start/u },
  'no time': { args: ['--start-timeout', '0', '--start', '--', 'x'], says: /timeout is 0/u },
  'a word too many': { args: ['y', '--start', '--', 'x'], says: /^simple-ipc: too many arguments/u },
};
for (const [what, { args, says }] of Object.entries(wrong)) {
  test.serial(`wrong usage, exit code 2: ${what}`, async (t) => {
    const { code, stderr } = await run(t, ['send', join(temporaryDirectory(t), 'app.sock'), 'ping', ...args]);
    t.regex(stderr, says);
    t.is(code, 2);
  });
}

test.serial('--idempotent asks again when it is cut off', async (t) => {
  let asked = 0;
  const path = await rawServer(t, (socket) => {
    socket.once('data', () => socket.end(++asked === 1 ? '' : '0008pong0000'));
  });
  const { code, stdout } = await run(t, ['send', path, 'ping', '--idempotent']);
  t.is(code, 0);
  t.is(stdout.toString(), 'pong');
  t.is(asked, 2);
});

test.serial('what starts a server is loaded where one is started', async (t) => {
  const { path, command } = serversAt(t);
  const loaded = async () => {
    const coverage = temporaryDirectory(t);
    await run(t, ['send', path, 'who', '--start', '--', ...command()], {
      env: { NODE_V8_COVERAGE: coverage },
    });
    return readdirSync(coverage)
      .map((name) => readFileSync(join(coverage, name), 'utf8'))
      .join();
  };
  t.true((await loaded()).includes('src/start/detached.ts'));
  const warm = await loaded();
  t.true(warm.includes('src/start/request.ts'), 'what is loaded is told');
  for (const file of ['src/start/detached.ts', 'src/start/start.ts', 'src/start/log.ts'])
    t.false(warm.includes(file), file);
});
