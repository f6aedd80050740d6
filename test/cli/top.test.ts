import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import {
  request,
  serve,
  type Handler,
  type ServeOptions,
  type Server,
  type Summary,
} from '../../src/index.ts';
import { showsUnicode } from '../../src/cli/top-screen.ts';
import { eventually, gate, within } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';
import { run, start } from './command.ts';
import { HAS_TERMINALS, onTerminal } from './top-terminal.ts';

const onTerminals = HAS_TERMINALS ? test.serial : test.serial.skip;

const ENTERED = '\u001B[?1049h\u001B[?25l';
const SILENT_SUCCESSOR = join(import.meta.dirname, 'top-silent-successor.ts');
const LEFT = '\u001B[?25h\u001B[?1049l';

async function controlled(
  t: ExecutionContext,
  handler: Handler = () => 'fine',
  { path = temporaryPath(t), ...options }: ServeOptions & { readonly path?: string } = {},
): Promise<Server> {
  const server = await serve(path, handler, {
    control: true,
    program: 'tested',
    version: '1.2.3',
    ...options,
  });
  t.teardown(() => server.close({ drainTimeout: 0 }));
  return server;
}

const ask = async (path: string) => (await request(path, 'x')).text();

const summaries = (stdout: string | Buffer) =>
  stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Summary);

test.serial('in a pipe: a line of JSON each interval, and in the end the reason', async (t) => {
  const server = await controlled(t);
  const top = start(t, ['top', server.path, '--interval', '100']);
  await top.printed(/\n.*\n/u);
  await ask(server.path);
  await top.printed(/"answered":1/u);
  await server.close();
  const { code, stdout, stderr } = await top.ended;
  t.is(code, 0);
  t.is(stderr, `simple-ipc: The server at ${server.path} has been stopped.\n`);
  const lines = summaries(stdout);
  t.true(lines.length > 3);
  for (const line of lines) t.true(line.intervalMs > 0 && line.latency.counts.length > 100);
  t.is(
    lines.reduce((sum, { ended }) => sum + ended.answered, 0),
    1,
  );
  t.deepEqual(lines.at(-1)?.end, { reason: 'closed' });
  t.is(lines.at(-1)?.state, 'stopped');
});

test.serial('a server that is killed', async (t) => {
  const path = temporaryPath(t);
  const index = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href;
  const code = `const { serve } = await import('${index}'); await serve(${JSON.stringify(path)}, () => 'x', { control: true }); console.log('up');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await within(once(child.stdout, 'data'), 'it does not start');
  const top = start(t, ['top', path, '--interval', '100']);
  await top.printed(/\n/u);
  child.kill('SIGKILL');
  const ended = await top.ended;
  t.is(ended.code, 0);
  t.is(
    ended.stderr,
    `simple-ipc: The server at ${path} is gone, and did not say why: it was killed, or it crashed.\n`,
  );
});

test.serial('a server that is replaced: the other one is watched, of which it says so', async (t) => {
  const old = await controlled(t);
  const top = start(t, ['top', old.path, '--interval', '100']);
  await top.printed(/\n/u);
  const next = await controlled(t, undefined, { path: old.path, takeover: true });
  await old.closed;
  await top.printed(/"handed-over".*\n.*\n/u);
  await ask(next.path);
  await top.printed(/"answered":1/u);
  await next.close();
  const { code, stdout, stderr } = await top.ended;
  t.is(code, 0);
  t.is(
    stderr,
    `simple-ipc: The server at ${old.path} has handed its path over: this is the other now (pid ${process.pid}).\n` +
      `simple-ipc: The server at ${old.path} has been stopped.\n`,
  );
  t.deepEqual(
    summaries(stdout).flatMap(({ end }) => (end === undefined ? [] : [end.reason])),
    ['handed-over', 'closed'],
  );
});

test.serial('a server that is replaced by one that cannot be watched: both are said', async (t) => {
  const old = await controlled(t);
  const top = start(t, ['top', old.path, '--interval', '100']);
  await top.printed(/\n/u);
  const next = await serve(old.path, () => 'fine', { takeover: true });
  t.teardown(() => next.close());
  const { code, stderr } = await within(top.ended, 'it goes on');
  t.is(code, 0);
  t.regex(
    stderr,
    /has handed its path over, and ended\. The other one cannot be watched: .*no control endpoint/u,
  );
});

test.serial('nothing there, and a server that can not be asked: the error, and exit code 1', async (t) => {
  const path = temporaryPath(t);
  const nothing = await run(t, ['top', path]);
  t.is(nothing.code, 1);
  t.regex(nothing.stderr, /^simple-ipc: .*nothing at/u);
  t.is(nothing.stdout.length, 0);

  const server = await serve(path, () => 'fine');
  t.teardown(() => server.close());
  const silent = await run(t, ['top', path]);
  t.is(silent.code, 1);
  t.regex(silent.stderr, /no control endpoint/u);
  t.is(silent.stdout.length, 0);
});

test.serial('a reader of stdout that leaves ends it without a word', async (t) => {
  const { path } = await controlled(t);
  const top = start(t, ['top', path, '--interval', '100'], { stalled: true });
  top.child.stdout?.once('data', () => top.child.stdout?.destroy());
  const { code, stderr } = await within(top.ended, 'it goes on');
  t.is(code, 1);
  t.is(stderr, '');
});

test.serial('in a pipe a signal ends it as any other command', async (t) => {
  const { path } = await controlled(t);
  const top = start(t, ['top', path, '--interval', '100']);
  await top.printed(/\n/u);
  top.child.kill('SIGINT');
  const { code, stderr } = await top.ended;
  t.is(code, 'SIGINT');
  t.is(stderr, '');
});

test.serial('wrong usage', async (t) => {
  for (const interval of ['99', '-5', 'x', '1e3']) {
    const { code, stderr } = await run(t, ['top', '/nowhere', `--interval=${interval}`]);
    t.is(code, 2, interval);
    t.regex(stderr, /interval/u);
  }
  t.is((await run(t, ['top'])).code, 2);
});

onTerminals('on a terminal: drawn in place; q gives it back as it was', async (t) => {
  const held = gate();
  const server = await controlled(t, async (incoming) => {
    if ((await incoming.text()) === 'held') await held.promise;
    return 'fine';
  });
  const top = onTerminal(t, ['top', server.path, '--interval', '100']);
  await top.shows(/^simple-ipc top {2}\S+test\.sock +accepting$/mu);
  await top.shows(new RegExp(`^tested 1\\.2\\.3 · pid ${process.pid} · up \\d`, 'mu'));
  const answers = [1, 2].map(async () => (await request(server.path, 'held')).text());
  await top.shows(/^handlers +running 2 /mu);
  held.resolve();
  await Promise.all(answers);
  await top.shows(/^ended +answered 2$/mu);
  // To the last row.
  await top.shows(/^began +slowest.*\n(\d\d:\d\d:\d\d c\d +answered .*\n?){2}$/mu);
  t.is(top.screen().length, 24);
  t.true(top.screen().every((line) => line.length <= 80));
  t.true(top.output().includes(ENTERED));
  t.regex(top.output(), /█/u);
  top.type('q');
  t.is(await top.ended, 0);
  t.true(top.output().endsWith(LEFT), 'nothing is drawn any more');
  t.is(top.output().split(LEFT).length, 2);
  t.deepEqual(
    top.screen().filter((line) => !line.startsWith('at ')),
    [],
    'what stood there before is there again',
  );
});

onTerminals('Ctrl-C ends it, and so do signals', async (t) => {
  const { path } = await controlled(t);
  const ways: [string, (top: ReturnType<typeof onTerminal>) => void, number][] = [
    ['Ctrl-C', (top) => top.type('\u0003'), 0],
    ['SIGINT', (top) => process.kill(top.pid(), 'SIGINT'), 0],
    ['SIGTERM', (top) => process.kill(top.pid(), 'SIGTERM'), 128 + 15],
  ];
  for (const [name, end, code] of ways) {
    const top = onTerminal(t, ['top', path, '--interval', '100']);
    await top.shows(/^requests/mu);
    end(top);
    t.is(await top.ended, code, name);
    t.true(top.output().includes(LEFT), name);
  }
});

onTerminals('a server that is replaced: the other one takes its place on the screen', async (t) => {
  const old = await controlled(t);
  const top = onTerminal(t, ['top', old.path, '--interval', '100']);
  await top.shows(/^tested 1\.2\.3 /mu);
  const next = await controlled(t, undefined, { path: old.path, takeover: true, version: '2.0.0' });
  await top.shows(/ accepting\ntested 2\.0\.0 /u);
  await ask(next.path);
  await top.shows(/^ended +answered 1$/mu);
  top.type('q');
  t.is(await top.ended, 0);
});

onTerminals('the user need not wait for a successor that does not say who it is', async (t) => {
  const top = onTerminal(t, [], { wrap: () => `'${process.execPath}' '${SILENT_SUCCESSOR}'` });
  await top.shows(/ accepting\n/mu);
  top.type('q');
  t.is(await within(top.ended, 'it waits'), 0);
});

onTerminals('it follows the size of the terminal', async (t) => {
  const { path } = await controlled(t);
  const top = onTerminal(t, ['top', path, '--interval', '100']);
  await top.shows(/^─.{78}─$/mu);
  top.resize(120, 40);
  await top.shows(/^─.{118}─$/mu);
  top.resize(40, 6);
  await eventually(() => top.screen().filter((line) => line !== '').length <= 6, 'six rows');
  t.true(top.screen().every((line) => line.length <= 40));
  top.type('q');
  t.is(await top.ended, 0);
});

onTerminals('NO_COLOR, and a locale without block elements', async (t) => {
  const { path } = await controlled(t);
  const top = onTerminal(t, ['top', path, '--interval', '100'], { env: { NO_COLOR: '1', LC_ALL: 'C' } });
  await ask(path);
  await top.shows(/^requests/mu);
  top.type('q');
  t.is(await top.ended, 0);
  // oxlint-disable-next-line no-control-regex -- colours
  t.notRegex(top.output(), /\u001B\[[\d;]*m/u);
  // oxlint-disable-next-line no-control-regex -- what is ASCII
  t.regex(top.output(), /^[\u0000-\u007F]*$/u);

  const coloured = onTerminal(t, ['top', path, '--interval', '100']);
  await coloured.shows(/^requests/mu);
  coloured.type('q');
  t.is(await coloured.ended, 0);
  t.true(coloured.output().includes('\u001B[32maccepting'));
});

onTerminals('TERM=dumb: a line each interval, and nothing that such a terminal does not obey', async (t) => {
  const { path } = await controlled(t);
  const top = onTerminal(t, ['top', path, '--interval', '100'], { env: { TERM: 'dumb' } });
  await top.shows(/accepting {2}\d+\/s .*\n.*accepting {2}\d+\/s /u);
  t.false(top.output().includes('\u001B'));
  top.type('\u0003');
  t.is(await top.ended, 128 + 2);
});

onTerminals('when the server ends, the terminal is given back, and then the reason is said', async (t) => {
  const server = await controlled(t);
  const top = onTerminal(t, ['top', server.path, '--interval', '100']);
  await top.shows(/^requests/mu);
  await server.close();
  t.is(await top.ended, 0);
  const [, after] = top.output().split(LEFT);
  t.regex(after as string, /^simple-ipc: The server at \S+ has been stopped\.\s+$/u);
});

onTerminals(
  'without a keyboard it is ended by a signal, and the keys of others are left alone',
  async (t) => {
    const { path } = await controlled(t);
    const top = onTerminal(t, ['top', path, '--interval', '100'], {
      wrap: (command) => `${command} < /dev/null`,
    });
    await top.shows(/^requests/mu);
    // The terminal makes a signal of it.
    top.type('\u0003');
    t.is(await top.ended, 0);
    t.true(top.output().includes(LEFT));
  },
);

onTerminals('Ctrl-Z gives the terminal to the shell, and fg takes it again', async (t) => {
  const { path } = await controlled(t);
  const top = onTerminal(t, ['top', path, '--interval', '100'], {
    wrap: (command) => `bash -mc "${command}; echo it sleeps; read; fg; echo it is over"`,
  });
  await top.shows(/^requests/mu);
  top.type('\u001A');
  await top.shows(/^it sleeps$/mu);
  t.is(top.output().split(LEFT).length, 2);
  top.type('\r');
  await eventually(() => top.output().split(ENTERED).length === 3, 'it takes the terminal again');
  await top.shows(/^requests/mu);
  top.type('q');
  await top.shows(/^it is over$/mu);
  t.is(await top.ended, 0);
});

onTerminals('an error is said on a terminal that was left alone', async (t) => {
  const path = temporaryPath(t);
  const top = onTerminal(t, ['top', path]);
  t.is(await top.ended, 1);
  t.false(top.output().includes(ENTERED));
  t.regex(top.output(), /nothing at/u);
});

test('who shows block elements', (t) => {
  t.true(showsUnicode({ LANG: 'en_US.UTF-8' }, 'linux'));
  t.true(showsUnicode({ LC_CTYPE: 'C.utf8', LANG: 'C' }, 'darwin'));
  t.false(showsUnicode({ LC_ALL: 'C', LANG: 'en_US.UTF-8' }, 'linux'));
  t.false(showsUnicode({}, 'linux'));
  t.false(showsUnicode({ LANG: 'en_US.UTF-8', TERM: 'linux' }, 'linux'));
  t.true(showsUnicode({ WT_SESSION: 'x' }, 'win32'));
  t.false(showsUnicode({}, 'win32'));
});
