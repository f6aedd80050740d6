import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isRunning } from '../start/servers.ts';
import { eventually } from '../support/serving.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { MAIN, run, start, startServer, type Ended } from './command.ts';

/** Runs `serve` detached in a directory of the test's own, and has what it started end with the test. */
function detaching(t: ExecutionContext, directory = temporaryDirectory(t)) {
  const path = join(directory, 'app.sock');
  const pids: number[] = [];
  t.teardown(() => {
    for (const pid of pids.filter(isRunning)) process.kill(pid, 'SIGKILL');
  });
  async function serve(...flags: string[]): Promise<Ended & { pid: number | undefined }> {
    const ended = await run(t, ['serve', './app.sock', '--detach', ...flags], { cwd: directory });
    const pid = /, pid (\d+); its output/u.exec(ended.stderr)?.[1];
    if (pid !== undefined) pids.push(Number(pid));
    return { ...ended, pid: pid === undefined ? undefined : Number(pid) };
  }
  const send = async (message: string) => (await run(t, ['send', path, message])).stdout.toString();
  return { directory, path, serve, send };
}

test.serial('returns when the server listens, which runs on by itself', async (t) => {
  const { directory, path, serve, send } = detaching(t);
  const { code, stdout, stderr, pid } = await serve();
  t.is(stderr, `simple-ipc: Listening at ./app.sock, pid ${pid}; its output goes to ${path}.log.\n`);
  t.is(code, 0);
  t.is(stdout.toString(), '');
  t.is(await send('ping'), 'pong');
  const [session, terminal] = execFileSync('ps', ['-o', 'sid=,tty=', '-p', String(pid)], { encoding: 'utf8' })
    .trim()
    .split(/\s+/u);
  t.is(session, String(pid));
  t.regex(terminal!, /^\?+$/u);
  if (process.platform === 'linux') t.is(readlinkSync(`/proc/${pid}/cwd`), '/');
  t.regex(
    readFileSync(`${path}.log`, 'utf8'),
    /simple-ipc\S*: Listening at \S+app\.sock, answering by the demo/u,
  );
  await send('quit');
  await eventually(() => readdirSync(directory).join() === 'app.sock.log', 'nothing but the log is left');
});

test.serial('one that runs already: its own words and 1, or with --if-not-running fine', async (t) => {
  const { path, serve, send } = detaching(t);
  const first = await serve('--if-not-running');
  t.is(first.code, 0);
  t.is(await send('ping'), 'pong');
  const again = await serve('--if-not-running');
  t.is(again.stderr, `simple-ipc: A server listens at ./app.sock already, pid ${first.pid}.\n`);
  t.is(again.code, 0);
  const refused = await serve();
  t.regex(refused.stderr, new RegExp(`^simple-ipc: A server listens at ${path} already\\.[^\\n]*\\n$`, 'u'));
  t.is(refused.code, 1);
  t.is(await send('ping'), 'pong');
});

test.serial(
  'it takes its options with it, and files are those of the directory where it was typed',
  async (t) => {
    const { directory, serve, send } = detaching(t);
    writeFileSync(
      join(directory, 'handler.mjs'),
      'export default () => `${process.cwd()} ${process.argv.slice(2)}`;',
    );
    mkdirSync(join(directory, 'work'));
    const { code } = await serve(
      '--module',
      'handler.mjs',
      '--events',
      'events.ndjson',
      '--concurrency=3',
      '--interpreted',
      '--detach-cwd',
      'work',
      '--detach-log',
      'own.log',
    );
    t.is(code, 0);
    t.is(
      await send('x'),
      `${directory}/work serve,${directory}/app.sock,--module=${directory}/handler.mjs,--events=${directory}/events.ndjson,--concurrency=3,--interpreted`,
    );
    t.true(existsSync(join(directory, 'events.ndjson')));
    t.deepEqual(
      readdirSync(directory).filter((name) => name.endsWith('.log')),
      ['own.log'],
    );
  },
);

test.serial('a server that does not come up: its own words, and 1', async (t) => {
  const { path, directory, serve } = detaching(t);
  const { code, stderr } = await serve('--module', 'no.mjs');
  t.is(code, 1);
  t.regex(stderr, /^simple-ipc: The module \S+no\.mjs could not be loaded/u);
  writeFileSync(
    join(directory, 'hang.mjs'),
    'setInterval(() => undefined, 1000); await new Promise(() => undefined);',
  );
  const late = await serve('--module', 'hang.mjs', '--detach-timeout', '1500');
  t.is(late.code, 1);
  t.regex(late.stderr, /ran for 1500 ms and was ended, because nobody came to listen there/u);
  t.false(existsSync(path));
});

test.serial('SIGINT while it starts ends it', async (t) => {
  const { directory } = detaching(t);
  writeFileSync(
    join(directory, 'hang.mjs'),
    `import fs from 'node:fs'; fs.writeFileSync('${directory}/pid', String(process.pid)); await new Promise((resolve) => setTimeout(resolve, 60_000));`,
  );
  const starting = start(t, ['serve', 'app.sock', '--module', 'hang.mjs', '--detach'], { cwd: directory });
  const pid = () =>
    existsSync(join(directory, 'pid')) ? Number(readFileSync(join(directory, 'pid'), 'utf8')) : 0;
  await eventually(() => pid() > 0, 'it runs');
  starting.child.kill('SIGINT');
  const { code, stderr } = await starting.ended;
  t.is(code, 1);
  t.regex(stderr, /Given up at \S+ by its signal \(SIGINT\)/u);
  t.false(isRunning(pid()));
});

test.serial('what is about a detached server takes one', async (t) => {
  const { code, stderr } = await run(t, ['serve', 'x', '--if-not-running']);
  t.is(code, 2);
  t.regex(stderr, /add --detach/u);
});

test.serial(
  'with another server there that is not to be replaced, nothing of that one is harmed',
  async (t) => {
    const server = await startServer(t);
    const { code, stderr } = await run(t, ['serve', server.path, '--detach']);
    t.is(code, 1);
    t.regex(stderr, /already/u);
    t.is((await run(t, ['send', server.path, 'ping'])).stdout.toString(), 'pong');
  },
);

test.serial('an option at the end that may have a value does not take the path for it', async (t) => {
  const { serve, send } = detaching(t);
  const { code, stderr } = await serve('--trace');
  t.is(code, 0, stderr);
  t.is(await send('ping'), 'pong');
});

test.serial('a path that is called as the command is', async (t) => {
  const directory = temporaryDirectory(t);
  const { code, stderr } = await run(t, ['serve', 'serve', '--detach'], { cwd: directory });
  t.is(code, 0, stderr);
  t.is((await run(t, ['send', join(directory, 'serve'), 'quit'])).code, 0);
});

test.serial('a module of Node.js’s own options is found from where it was typed', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'hook.mjs'), 'process.title = "hooked";');
  const args = ['--import', './hook.mjs', MAIN, 'serve', 'app.sock', '--detach'];
  execFileSync(process.execPath, args, { cwd: directory, stdio: 'pipe' });
  t.is((await run(t, ['send', join(directory, 'app.sock'), 'quit'])).code, 0);
});

test.serial('a directory that does not exist is told as serve tells it', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'no', 'app.sock');
  const { code, stderr } = await run(t, ['serve', path, '--detach']);
  t.is(code, 1);
  t.is(stderr, (await run(t, ['serve', path])).stderr);
  t.is(stderr, (await run(t, ['serve', path, '--detach', '--if-not-running'])).stderr);
  t.regex(stderr, /^simple-ipc: The directory of \S+ does not exist\. Create it: mkdir /u);
});

test.serial('--takeover and --if-not-running say two things', async (t) => {
  const { code, stderr } = await run(t, ['serve', 'x', '--detach', '--takeover', '--if-not-running']);
  t.is(code, 2);
  t.regex(stderr, /leave one of the two away/u);
});

test.serial('a second SIGINT while it starts leaves nothing behind that ignores SIGTERM', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(
    join(directory, 'hang.mjs'),
    `import fs from 'node:fs'; process.on('SIGTERM', () => {}); fs.writeFileSync('${directory}/pid', String(process.pid)); await new Promise((resolve) => setTimeout(resolve, 60_000));`,
  );
  const starting = start(t, ['serve', 'app.sock', '--module', 'hang.mjs', '--detach'], { cwd: directory });
  const pid = () =>
    existsSync(join(directory, 'pid')) ? Number(readFileSync(join(directory, 'pid'), 'utf8')) : 0;
  await eventually(() => pid() > 0, 'it runs');
  starting.child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 400));
  starting.child.kill('SIGINT');
  t.is((await starting.ended).code, 1);
  await eventually(() => !isRunning(pid()), 'it is gone');
});

test.serial('SIGHUP drains a server in the foreground', async (t) => {
  const server = await startServer(t);
  server.child.kill('SIGHUP');
  const { code, stderr } = await server.ended;
  t.is(code, 0);
  t.regex(stderr, /SIGHUP: draining/u);
});
