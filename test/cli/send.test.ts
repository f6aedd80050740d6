import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { chmodSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { run, start, startServer, MAIN } from './command.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

test.serial('the answer, exactly, on stdout, and exit code 0', async (t) => {
  const { path } = await startServer(t);
  t.deepEqual(await run(t, ['send', path, 'ping']), { code: 0, stdout: Buffer.from('pong'), stderr: '' });
  t.deepEqual(await run(t, ['send', path, 'ping', '--whole']), {
    code: 0,
    stdout: Buffer.from('pong'),
    stderr: '',
  });
  const dash = await run(t, ['send', path, '--', '--ping']);
  t.is(dash.stdout.toString(), 'unhandled command: --ping');
});

test.serial('no MESSAGE is an empty request, and so is an empty one', async (t) => {
  const { path } = await startServer(t, ['--exec', 'wc -c | tr -d " \\n"']);
  for (const args of [[], [''], ['-']]) {
    const { code, stdout } = await run(t, ['send', path, ...args]);
    t.is(code, 0);
    t.is(stdout.toString(), '0');
  }
});

for (const whole of [[], ['--whole']]) {
  test.serial(`64 MiB from stdin, through cat, to stdout ${whole.join('')}`, async (t) => {
    t.timeout(60_000);
    const input = randomBytes(64 * 2 ** 20);
    const { path } = await startServer(t, ['--exec', 'cat']);
    const { code, stdout, stderr } = await run(t, ['send', path, '-', ...whole], { input });
    t.is(stderr, '');
    t.is(code, 0);
    t.true(stdout.equals(input));
  });
}

test.serial('the answer is printed as it comes', async (t) => {
  const directory = temporaryDirectory(t);
  const { path } = await startServer(t, [
    '--exec',
    `mkfifo ${directory}/go; echo first; cat ${directory}/go`,
  ]);
  const sending = start(t, ['send', path]);
  await sending.printed(/^first\n$/u);
  closeSync(openSync(join(directory, 'go'), 'w'));
  const { code, stdout } = await sending.ended;
  t.is(code, 0);
  t.is(stdout.toString(), 'first\n');
});

test.serial('with --whole nothing is printed until all has come', async (t) => {
  const directory = temporaryDirectory(t);
  const server = await startServer(t, [
    '--exec',
    `mkfifo ${directory}/go; echo first; cat ${directory}/go; echo last`,
    '--events',
    '-',
  ]);
  const sending = start(t, ['send', server.path, '--whole']);
  await server.printed(/"to":"streaming-response"/u);
  let printed = '';
  sending.child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const go = openSync(join(directory, 'go'), 'w');
  t.is(printed, '');
  closeSync(go);
  const { code, stdout } = await sending.ended;
  t.is(code, 0);
  t.is(stdout.toString(), 'first\nlast\n');
});

for (const whole of [false, true]) {
  test.serial(
    `a server that is killed halfway: exit code 1${whole ? ', and with --whole nothing on stdout' : ''}`,
    async (t) => {
      const server = await startServer(t, ['--events', '-']);
      const sending = start(t, ['send', server.path, 'slow', ...(whole ? ['--whole'] : [])]);
      if (whole) await server.printed(/"to":"streaming-response"/u);
      else await sending.printed(/\n/u);
      server.child.kill('SIGKILL');
      const { code, stdout, stderr } = await sending.ended;
      t.is(code, 1);
      t.is(stdout.length > 0, !whole);
      t.true(
        stderr.startsWith(
          `simple-ipc: The server at ${server.path} closed the connection before its answer was complete`,
        ),
      );
    },
  );
}

test.serial('a handler that fails halfway is no answer', async (t) => {
  const server = await startServer(t, ['--exec', 'echo half; exit 3']);
  const { code, stdout, stderr } = await run(t, ['send', server.path, 'x', '--whole']);
  t.is(code, 1);
  t.is(stdout.toString(), '');
  t.regex(stderr, /its own events say which/u);
  await server.said(/c1 handler-failed: The command exited with 3: echo half; exit 3\n/u);
});

test.serial('nobody there: exit code 1, at once or after a wait', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const { code, stderr } = await run(t, ['send', path, 'ping']);
  t.is(code, 1);
  t.is(stderr, `simple-ipc: There is nothing at ${path}. Start the server, or check the path.\n`);
  t.is((await run(t, ['send', path, 'ping', '--wait-if-missing', '60'])).code, 1);
});

test.serial('--wait-if-missing waits for a server that is being started', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const sending = start(t, ['send', path, 'ping', '--wait-if-missing', '30000']);
  start(t, ['serve', path]);
  const { code, stdout, stderr } = await sending.ended;
  t.deepEqual({ code, stdout: stdout.toString(), stderr }, { code: 0, stdout: 'pong', stderr: '' });
});

test.serial('--timeout and --deadline', async (t) => {
  const { path } = await startServer(t, ['--exec', 'sleep 100']);
  const timedOut = await run(t, ['send', path, '--timeout', '1000']);
  t.is(timedOut.code, 1);
  t.regex(timedOut.stderr, /made no progress for 1000 ms while its answer was awaited/u);
  const late = await run(t, ['send', path, '--deadline', '50']);
  t.is(late.code, 1);
  t.regex(late.stderr, /was not over after 50 ms/u);
});

test.serial('SIGINT gives the request up, and the server hears of it', async (t) => {
  const server = await startServer(t, ['--events', '-']);
  const sending = start(t, ['send', server.path, 'slow']);
  await sending.printed(/\n/u);
  sending.child.kill('SIGINT');
  const { code, stderr } = await sending.ended;
  t.is(code, 1);
  t.regex(stderr, /^simple-ipc: Given up by SIGINT/u);
  await server.printed(/"outcome":"hung-up"/u);
});

test.serial('SIGINT ends it also while nobody reads its stdout', async (t) => {
  const server = await startServer(t, ['--exec', 'yes', '--events', '-', '--write-timeout', '200']);
  const sending = start(t, ['send', server.path], { stalled: true });
  // All buffers between are full when the server has waited in vain.
  await server.printed(/"outcome":"timed-out"/u);
  sending.child.kill('SIGINT');
  const [code] = (await once(sending.child, 'exit')) as [number];
  t.is(code, 1);
});

test.serial('a reader of stdout that leaves: exit code 1, without a word', async (t) => {
  const server = await startServer(t, ['--exec', 'yes']);
  const sending = start(t, ['send', server.path]);
  await sending.printed(/y\n/u);
  sending.child.stdout?.destroy();
  const { code, stderr } = await sending.ended;
  t.is(code, 1);
  t.is(stderr, '');
});

for (const [what, open, says] of [
  ['cannot be read', (directory: string) => openSync(join(directory, 'file'), 'w'), /\(EBADF/u],
  ['is a directory', (directory: string) => openSync(directory, 'r'), /\(it is a directory/u],
] as const) {
  test.serial(`a stdin that ${what} fails the request`, async (t) => {
    const server = await startServer(t, ['--exec', 'cat']);
    const stdin = open(temporaryDirectory(t));
    t.teardown(() => closeSync(stdin));
    const child = spawn(process.execPath, [MAIN, 'send', server.path, '-'], {
      stdio: [stdin, 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
    const [code] = (await once(child, 'close')) as [number];
    t.is(code, 1);
    t.true(stderr.startsWith('simple-ipc: stdin could not be read'));
    t.regex(stderr, says);
  });
}

test.serial('an answer is whole although stdin never ends', async (t) => {
  const server = await startServer(t, ['--exec', 'head -c 3', '--window', '1']);
  const child = spawn(process.execPath, [MAIN, 'send', server.path, '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  child.stdin.on('error', () => undefined).write('abcdef');
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  t.is(code, 0);
  t.is(Buffer.concat(chunks).toString(), 'abc');
});

test.serial('a socket in a directory that everybody can write: only with --allow-untrusted', async (t) => {
  const directory = join(temporaryDirectory(t), 'open');
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  const path = join(directory, 'app.sock');
  const server = createServer((socket) => socket.on('error', () => undefined).end('0008pong0000'));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => server.close());
  const refused = await run(t, ['send', path, 'ping']);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /can be written by everybody.*--allow-untrusted/u);
  const allowed = await run(t, ['send', path, 'ping', '--allow-untrusted']);
  t.is(allowed.code, 0);
  t.is(allowed.stdout.toString(), 'pong');
});

test.serial('a path whose last part is too long', async (t) => {
  const { code, stderr } = await run(t, ['send', join(temporaryDirectory(t), 'x'.repeat(200)), 'ping']);
  t.is(code, 1);
  t.regex(stderr, /is too long .*Choose a shorter name/u);
});
