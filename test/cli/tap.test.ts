import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { probe, request } from '../../src/index.ts';
import { serving } from '../support/serving.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';
import { run, start } from './command.ts';

/** Starts `simple-ipc tap` in front of a path, and waits until it listens. */
async function startTap(t: ExecutionContext, upstream: string, args: readonly string[] = []) {
  const path = temporaryPath(t);
  const tap = start(t, ['tap', path, upstream, ...args]);
  await tap.said(/Listening at/u);
  return { ...tap, path };
}

test.serial('it shows each request that goes through, and nothing but the first word of it', async (t) => {
  const upstream = await serving(t, () => 'an answer');
  const tap = await startTap(t, upstream.path);
  t.is(await (await request(tap.path, 'ask for my secret')).text(), 'an answer');
  t.is(await (await request(tap.path, '\u0007secret')).text(), 'an answer');
  t.is((await probe(tap.path)).state, 'listening');
  await tap.printed(/ pinged .*\n/u);
  tap.child.kill('SIGTERM');
  const { code, stdout, stderr } = await tap.ended;
  t.is(code, 0);
  const lines = stdout.toString().split('\n');
  const times = String.raw`listening [\d.]+ ms, reading-request [\d.]+ ms, dispatching [\d.]+ ms, streaming-response [\d.]+ ms`;
  const came = String.raw`^\d\d:\d\d:\d\d\.\d{3} {2}`;
  t.regex(
    lines[0] as string,
    new RegExp(String.raw`${came}c1 +answered +[\d.]+ ms {2}ask {6}17 B in, 9 B out {2}${times}$`, 'u'),
  );
  t.regex(
    lines[1] as string,
    new RegExp(String.raw`${came}c2 +answered +[\d.]+ ms {2}_OTHER {3}7 B in, 9 B out {2}${times}$`, 'u'),
  );
  t.regex(
    lines[2] as string,
    new RegExp(String.raw`${came}c3 +pinged +[\d.]+ ms {2}- +listening [\d.]+ ms$`, 'u'),
  );
  t.deepEqual(lines.slice(3), ['']);
  t.is(
    stderr,
    `simple-ipc: Listening at ${tap.path}, answering by the server at ${upstream.path}. Ctrl-C stops it.\n` +
      'simple-ipc: SIGTERM: draining; nothing is open. Another one aborts.\n' +
      `simple-ipc: Stopped serving at ${tap.path}: 2 answered, 1 pinged.\n`,
  );
});

test.serial('an upstream that is not there is told of, and may come later', async (t) => {
  const upstream = temporaryPath(t);
  const tap = await startTap(t, upstream);
  await t.throwsAsync(request(tap.path, 'ask'), { code: 'SIMPLE_IPC_HUNG_UP' });
  await tap.printed(/c1 +handler-failed +[\d.]+ ms {2}ask {6}3 B in, 0 B out {2}listening .*\n/u);
  const server = start(t, ['serve', upstream]);
  await server.said(/Listening at/u);
  t.is(await (await request(tap.path, 'ping')).text(), 'pong');
  tap.child.kill('SIGTERM');
  const { code, stderr } = await tap.ended;
  t.is(code, 0);
  const [warning, , failure] = stderr.split('\n');
  t.is(
    warning,
    `simple-ipc: There is nothing at ${upstream}. Requests fail until a server listens at ${upstream}.`,
  );
  t.is(
    failure,
    `simple-ipc: c1 handler-failed: There is nothing at ${upstream}. Start the server, or check the path.`,
  );
});

test.serial('an upstream that hangs up is told of', async (t) => {
  const upstream = await serving(t, () => Promise.reject(new Error('not today')));
  const tap = await startTap(t, upstream.path);
  await t.throwsAsync(request(tap.path, 'ask'), { code: 'SIMPLE_IPC_HUNG_UP' });
  await tap.said(
    /c1 handler-failed: The server at \S+ closed the connection before its answer was complete/u,
  );
  t.pass();
});

test.serial('a request is passed on before it is whole', async (t) => {
  const upstream = await serving(t, (incoming) => incoming, { window: 1 });
  const tap = await startTap(t, upstream.path);
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* message() {
    yield 'first';
    await promise;
    yield 'second';
  }
  const response = await request(tap.path, message());
  resolve();
  t.is(await response.text(), 'firstsecond');
});

for (const [what, link] of Object.entries<(listen: string) => string>({
  'the same path': (listen) => listen,
  'another name of its directory': (listen) => join(listen, '..', '.', 'test.sock'),
  'a link to where it will listen': (listen) => {
    symlinkSync(listen, `${listen}.link`);
    return `${listen}.link`;
  },
})) {
  test.serial(`it does not tap itself: ${what}`, async (t) => {
    const listen = temporaryPath(t);
    const { code, stdout, stderr } = await run(t, ['tap', listen, link(listen)]);
    t.is(code, 2);
    t.is(stdout.toString(), '');
    t.regex(stderr, /^simple-ipc: \S+ and \S+ are one and the same.* Name another path to listen at:.*\n$/u);
    t.false(existsSync(listen));
  });
}

test.serial('wrong usage, exit code 2', async (t) => {
  for (const [args, says] of [
    [['tap', 'x'], /^simple-ipc: missing required argument 'UPSTREAM'/u],
    [['tap', 'x', 'y/'], /cannot name a socket/u],
    [['tap', 'x/', 'y'], /cannot name a socket/u],
    [['tap', 'x', 'y', '--concurrency', '0'], /a whole number from 1 on/u],
  ] as const) {
    const { code, stderr } = await run(t, args);
    t.is(code, 2);
    t.regex(stderr, says);
  }
});

test.serial('an upstream that others could replace is asked only where that is allowed', async (t) => {
  const directory = join(temporaryDirectory(t), 'open');
  mkdirSync(directory);
  const server = start(t, ['serve', join(directory, 'app.sock')]);
  await server.said(/Listening at/u);
  chmodSync(directory, 0o777);
  const careful = await startTap(t, join(directory, 'app.sock'));
  await t.throwsAsync(request(careful.path, 'ping'), { code: 'SIMPLE_IPC_HUNG_UP' });
  const bold = await startTap(t, join(directory, 'app.sock'), ['--allow-untrusted']);
  t.is(await (await request(bold.path, 'ping')).text(), 'pong');
});

test.serial('--events FILE has every transition; with - they have stdout to themselves', async (t) => {
  const upstream = await serving(t, () => 'an answer');
  const file = join(temporaryDirectory(t), 'events');
  for (const target of [file, '-']) {
    const tap = await startTap(t, upstream.path, ['--events', target]);
    await (await request(tap.path, 'ask')).text();
    tap.child.kill('SIGTERM');
    const { code, stdout } = await tap.ended;
    t.is(code, 0);
    if (target === file) t.regex(stdout.toString(), /^[\d:.]+ {2}c1 +answered .*\n$/u);
    const events = target === file ? readFileSync(file, 'utf8') : stdout.toString();
    const lines = events.trimEnd().split('\n');
    const transitions = lines.map((line) => JSON.parse(line) as { actor: string; to: string });
    t.true(transitions.some(({ actor, to }) => actor === 'c1' && to === 'closed'));
  }
});

test.serial('a stdout that leaves, or that nobody reads, ends no tap', async (t) => {
  const upstream = await serving(t, () => 'an answer');
  const tap = await startTap(t, upstream.path);
  tap.child.stdout?.destroy();
  for (let i = 0; i < 3; i++) t.is(await (await request(tap.path, 'ask')).text(), 'an answer');
  tap.child.kill('SIGTERM');
  t.is((await tap.ended).code, 0);
});

test.serial('a drain lets what goes through finish', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const upstream = await serving(t, async function* () {
    yield 'first';
    await promise;
    yield 'second';
  });
  const tap = await startTap(t, upstream.path, ['--drain-timeout', '60000']);
  const response = await request(tap.path, 'x');
  tap.child.kill('SIGTERM');
  await tap.said(/still open: 1 connection \(requests: 1 running\)/u);
  resolve();
  t.is(await response.text(), 'firstsecond');
  t.is((await tap.ended).code, 0);
});

(existsSync('/proc/self/status') ? test.serial : test.serial.skip)(
  '128 MiB each way take the tap no more memory than a few',
  async (t) => {
    const upstream = await serving(t, (incoming) => incoming);
    const tap = await startTap(t, upstream.path);
    /** The most memory that it has had, in MiB. */
    const most = () => {
      const [, kib] = /^VmHWM:\s+(\d+)/mu.exec(readFileSync(`/proc/${tap.pid}/status`, 'utf8')) ?? [];
      return Number(kib) / 1_024;
    };
    await (await request(tap.path, 'x')).bytes();
    const before = most();
    const piece = Buffer.alloc(2 ** 20, 'x');
    function* message() {
      for (let i = 0; i < 128; i++) yield piece;
    }
    let received = 0;
    for await (const chunk of await request(tap.path, message())) received += chunk.length;
    t.is(received, 128 * 2 ** 20);
    const more = most() - before;
    t.true(more < 80, `it took ${more.toFixed(0)} MiB more`);
  },
);
