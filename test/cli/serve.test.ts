import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { probe, request } from '../../src/index.ts';
import { groupIsGone, run, start, startServer, type Running } from './command.ts';
import { listenAt } from '../support/rendezvous.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A server whose answers begin with a line and wait for `finish`. */
async function startWaiting(t: ExecutionContext, args: readonly string[] = []) {
  const go = join(temporaryDirectory(t), 'go');
  execFileSync('mkfifo', [go]);
  const server = await startServer(t, ['--exec', `echo $$; cat ${go}; echo done`, ...args]);
  return { ...server, finish: () => closeSync(openSync(go, 'w')) };
}

/** Asks it, and gives the line that it begins with. */
async function askOne(t: ExecutionContext, path: string): Promise<{ client: Running; line: string }> {
  const client = start(t, ['send', path]);
  const [, line = ''] = await client.printed(/^(.*)\n/u);
  return { client, line };
}

test.serial('it says when it listens, and how it ended: SIGTERM drains, and is fine', async (t) => {
  const server = await startServer(t);
  t.is((await probe(server.path)).state, 'listening');
  t.is(await (await request(server.path, 'ping')).text(), 'pong');
  server.child.kill('SIGTERM');
  const { code, stdout, stderr } = await server.ended;
  t.is(code, 0);
  t.is(stdout.toString(), '');
  t.is(
    stderr,
    `simple-ipc: Listening at ${server.path}, answering by the demo application. Ctrl-C stops it.\n` +
      'simple-ipc: SIGTERM: draining; nothing is open. Another one aborts.\n' +
      `simple-ipc: Stopped serving at ${server.path}: 1 answered, 1 pinged.\n`,
  );
  t.is((await probe(server.path)).state, 'not-listening');
});

test.serial('a drain lets running requests finish', async (t) => {
  const server = await startWaiting(t, ['--drain-timeout', '60000']);
  const { client, line } = await askOne(t, server.path);
  server.child.kill('SIGINT');
  await server.said(
    /SIGINT: draining; still open: 1 connection \(requests: 1 running\)\. Another one aborts\./u,
  );
  // It gives up the path at once.
  while ((await probe(server.path)).state === 'listening')
    await new Promise((resolve) => setImmediate(resolve));
  server.finish();
  t.is((await server.ended).code, 0);
  const { code, stdout } = await client.ended;
  t.is(code, 0);
  t.is(stdout.toString(), `${line}\ndone\n`);
});

test.serial('a second signal aborts them, which is no success, and their processes end', async (t) => {
  const server = await startWaiting(t, ['--drain-timeout', '60000']);
  const { client, line } = await askOne(t, server.path);
  server.child.kill('SIGTERM');
  await server.said(/SIGTERM: draining/u);
  server.child.kill('SIGTERM');
  const { code, stderr } = await server.ended;
  t.is(code, 1);
  t.regex(stderr, /SIGTERM: aborting what still runs\.\n/u);
  t.regex(stderr, /Not every request was finished: 1 aborted by the second signal\./u);
  t.is((await client.ended).code, 1);
  await groupIsGone(Number(line));
});

test.serial('a third signal ends it at once, and what it had started', async (t) => {
  const directory = temporaryDirectory(t);
  const module = join(directory, 'deaf.mjs');
  writeFileSync(
    module,
    "export async function* handler() { yield 'begun\\n'; await new Promise(() => {}); }",
  );
  const server = await startServer(t, ['--module', module]);
  await askOne(t, server.path);
  server.child.kill('SIGTERM');
  await server.said(/draining/u);
  server.child.kill('SIGTERM');
  await server.said(/aborting/u);
  server.child.kill('SIGTERM');
  const { code, stderr } = await server.ended;
  t.is(code, 1);
  t.notRegex(stderr, /Stopped/u);
});

test.serial('a handler that ignores its signal is said, and does not keep it', async (t) => {
  const module = join(temporaryDirectory(t), 'deaf.mjs');
  writeFileSync(
    module,
    "export async function* handler() { yield 'begun\\n'; await new Promise(() => {}); }",
  );
  const server = await startServer(t, ['--module', module, '--drain-timeout', '0']);
  await askOne(t, server.path);
  server.child.kill('SIGTERM');
  const { code, stderr } = await server.ended;
  t.is(code, 1);
  t.regex(stderr, /1 handler still running: aborted signals are ignored there\./u);
});

test.serial('a group that ignores SIGTERM does not outlive it', async (t) => {
  const server = await startServer(t, ['--exec', "trap '' TERM; echo $$; while :; do sleep 1; done"]);
  const { line } = await askOne(t, server.path);
  for (const step of [/draining/u, /aborting/u]) {
    server.child.kill('SIGTERM');
    await server.said(step);
  }
  // The third: there is no more time to wait for it.
  server.child.kill('SIGTERM');
  t.is((await server.ended).code, 1);
  await groupIsGone(Number(line));
});

test.serial("a client that hangs up ends its command's process group", async (t) => {
  const server = await startServer(t, ['--exec', 'sleep 100 & echo $$; wait', '--events', '-']);
  const { client, line } = await askOne(t, server.path);
  client.child.kill('SIGINT');
  t.is((await client.ended).code, 1);
  await groupIsGone(Number(line));
  await server.printed(/"outcome":"hung-up"/u);
});

test.serial('quit is fine', async (t) => {
  const server = await startServer(t);
  t.is((await run(t, ['send', server.path, 'quit'])).code, 0);
  const { code, stderr } = await server.ended;
  t.is(code, 0);
  t.regex(stderr, /Stopped serving at \S+, as a request asked for: 1 answered\.\n$/u);
});

test.serial('a path that is in use: exit code 1, and the server there serves on', async (t) => {
  const { path } = await startServer(t);
  const { code, stderr } = await run(t, ['serve', path]);
  t.is(code, 1);
  t.is(
    stderr,
    `simple-ipc: A server listens at ${path} already. Use that one, stop it first, replace it (takeover), or choose another path.\n`,
  );
  t.is((await run(t, ['send', path, 'ping'])).code, 0);
});

test.serial('a socket that a killed server left is replaced', async (t) => {
  const first = await startServer(t);
  first.child.kill('SIGKILL');
  await first.ended;
  const second = start(t, ['serve', first.path]);
  await second.said(/Listening at/u);
  t.is((await run(t, ['send', first.path, 'ping'])).stdout.toString(), 'pong');
});

test('a path that was deleted: exit code 1', async (t) => {
  // It looks every 10 seconds.
  t.timeout(60_000);
  const server = await startServer(t);
  rmSync(server.path);
  const { code, stderr } = await server.ended;
  t.is(code, 1);
  t.regex(stderr, /The socket at \S+ was replaced or deleted/u);
});

test.serial('--events -: each line is a transition, and every state is among them', async (t) => {
  for (const extra of [[], ['--interpreted']]) {
    const server = await startServer(t, ['--events', '-', ...extra]);
    await (await request(server.path, 'ping')).text();
    server.child.kill('SIGTERM');
    const { code, stdout } = await server.ended;
    t.is(code, 0);
    const lines = stdout.toString().split('\n');
    t.is(lines.pop(), '');
    const transitions = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const states = (machine: string) => [
      ...new Set(transitions.filter((line) => line['machine'] === machine).map(({ to }) => to)),
    ];
    t.deepEqual(states('connection'), [
      'listening',
      'reading-request',
      'dispatching',
      'streaming-response',
      'closed',
    ]);
    t.deepEqual(states('pool'), ['starting', 'accepting', 'draining', 'stopped']);
    t.like(
      transitions.find(({ to }) => to === 'closed'),
      { actor: 'c1', output: { outcome: 'answered' } },
    );
  }
});

test.serial('--events FILE is added to; one that cannot be is told before anything is served', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'events');
  for (const _ of [1, 2]) {
    const server = await startServer(t, ['--events', file]);
    server.child.kill('SIGTERM');
    await server.ended;
  }
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  t.is(lines.filter((line) => (JSON.parse(line) as { to: string }).to === 'stopped').length, 2);

  const { code, stderr } = await run(t, [
    'serve',
    join(directory, 'app.sock'),
    '--events',
    join(directory, 'no', 'events'),
  ]);
  t.is(code, 1);
  t.regex(stderr, /^simple-ipc: Events can't be written to \S+ \(ENOENT/u);
  t.notRegex(stderr, /Listening/u);
});

test.serial('a reader of events that stalls does not stop serving; it costs counted drops', async (t) => {
  const server = await startServer(t, ['--events', '-'], { stalled: true });
  // About 1.2 KB of events each: more than is held for it and what the pipe takes.
  for (let i = 0; i < 2_500; i++) {
    const answer = await (await request(server.path, 'ping')).text();
    if (answer !== 'pong') t.fail(answer);
  }
  server.child.kill('SIGTERM');
  // Nobody reads still, and it ends all the same.
  await server.said(/ events were dropped: nobody read stdout, or not fast enough\.\n/u);
  server.resume();
  const { code, stdout } = await server.ended;
  t.is(code, 0);
  t.true(stdout.length < 2 ** 21);
});

test.serial('a reader of events that comes back is told what it missed', async (t) => {
  const server = await startServer(t, ['--events', '-'], { stalled: true });
  for (let i = 0; i < 2_500; i++) await (await request(server.path, 'ping')).text();
  server.resume();
  await server.printed(/\{"event":"dropped","count":\d+\}\n/u);
  server.child.kill('SIGTERM');
  const { stdout, stderr } = await server.ended;
  const lines = stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; count?: number; to?: string });
  t.is(lines.at(-1)?.to, 'stopped');
  const dropped = lines.reduce(
    (sum, { event, count }) => (event === 'dropped' ? sum + (count ?? 0) : sum),
    0,
  );
  t.regex(stderr, new RegExp(`\\n?simple-ipc: ${dropped} events were dropped`, 'u'));
});

test.serial('a reader of events that leaves is told of, and serving goes on', async (t) => {
  const server = await startServer(t, ['--events', '-']);
  server.child.stdout?.destroy();
  const told = server.said(
    /Events can't be written to stdout any more \(.*EPIPE.*\); serving goes on without\./u,
  );
  // Each probe makes events; the first of them may still find its reader.
  const probed = async () => (await probe(server.path)).state;
  while ((await Promise.race([told.then(() => 'told'), probed()])) === 'listening');
  await told;
  t.is(await (await request(server.path, 'ping')).text(), 'pong');
  server.child.kill('SIGTERM');
  t.is((await server.ended).code, 0);
});

const modules: Record<string, { source: string; answer?: string; says?: RegExp }> = {
  'a default export': {
    source: 'export default async (request) => `default ${await request.text()}`;',
    answer: 'default x',
  },
  'an export named handler': { source: "export const handler = () => 'named';", answer: 'named' },
  'both, of which the default is taken': {
    source: "export default () => 'a'; export const handler = () => 'b';",
    answer: 'a',
  },
  neither: {
    source: 'export const handle = 1;',
    says: /has no handler \(it exports handle: a number\)\. Have it export a function/u,
  },
  'a syntax error': {
    source: 'export default (',
    says: /could not be loaded: SyntaxError: Unexpected end of input\. To see where: node \S+\n$/u,
  },
  'an error of its own': {
    source: "throw new Error('no luck');",
    says: /could not be loaded: Error: no luck\n/u,
  },
};

test.serial('--module whose handler throws: the message, and the place in the module', async (t) => {
  const module = join(temporaryDirectory(t), 'app.mjs');
  writeFileSync(
    module,
    `import { readFileSync } from 'node:fs';
const forged = 'it\\n    at forged (file:///elsewhere.mjs:1:1)';
export default async function answer(request) {
  switch (await request.text()) {
    case 'own': throw new Error(forged);
    case 'of Node.js': readFileSync('/nowhere');
    case 'wrong': return 42;
    case 'no error': throw 'it';
    case 'no message': throw new Error('');
  }
}`,
  );
  const server = await startServer(t, ['--module', module]);
  for (const message of ['own', 'of Node.js', 'wrong', 'no error', 'no message'])
    await t.throwsAsync(async () => (await request(server.path, message)).text());
  await server.said(/c5/u);
  server.child.kill('SIGTERM');
  const { stderr } = await server.ended;
  const said = stderr
    .replaceAll(pathToFileURL(module).href, 'app.mjs')
    .replaceAll(/(?<=app\.mjs:\d+):\d+/gu, '')
    .split('\n')
    .filter((line) => line.includes('handler-failed:'));
  t.deepEqual(said, [
    'simple-ipc: c1 handler-failed: it     at forged (file:///elsewhere.mjs:1:1), at answer (app.mjs:5)',
    "simple-ipc: c2 handler-failed: ENOENT: no such file or directory, open '/nowhere', at answer (app.mjs:6)",
    'simple-ipc: c3 handler-failed: The answer of the handler is a number: give a string, a Uint8Array, an iterable or async ' +
      'iterable of these, or a ReadableStream of these.',
    'simple-ipc: c4 handler-failed: it',
    'simple-ipc: c5 handler-failed: no reason is known, at answer (app.mjs:9)',
  ]);
});

for (const [what, { source, answer, says }] of Object.entries(modules)) {
  test.serial(`--module with ${what}`, async (t) => {
    const module = join(temporaryDirectory(t), 'app.mjs');
    writeFileSync(module, source);
    if (says !== undefined) {
      const { code, stderr } = await run(t, ['serve', `${module}.sock`, '--module', module]);
      t.is(code, 1);
      t.regex(stderr, says);
      return;
    }
    const { path } = await startServer(t, ['--module', module]);
    t.is(await (await request(path, 'x')).text(), answer as string);
  });
}

test.serial('--module with a file that there is not', async (t) => {
  const directory = temporaryDirectory(t);
  const { code, stderr } = await run(t, ['serve', 'app.sock', '--module', 'none.mjs'], { cwd: directory });
  t.is(code, 1);
  t.regex(stderr, /^simple-ipc: The module none\.mjs could not be loaded: Cannot find module/u);
});

test.serial(
  'limits are taken: a longer request than --max-request-bytes is refused, and reported',
  async (t) => {
    const server = await startServer(t, [
      '--max-request-bytes',
      '10',
      '--concurrency',
      'Infinity',
      '--max-connections',
      'Infinity',
    ]);
    t.is((await run(t, ['send', server.path, '12345678901'])).code, 1);
    await server.said(/c1 limit: The request is longer than maxRequestBytes \(10\)/u);
    t.is((await run(t, ['send', server.path, '1234567890'])).code, 0);
  },
);

test.serial('a stderr that nobody reads any more does not end it', async (t) => {
  const server = await startServer(t, ['--exec', 'exit 1']);
  server.child.stderr?.destroy();
  for (let i = 0; i < 3; i++) await t.throwsAsync(async () => (await request(server.path)).text());
  t.is((await probe(server.path)).state, 'listening');
  server.child.kill('SIGTERM');
  t.is((await server.ended).code, 0);
});

test.serial('--takeover: the old one ends well, and says why', async (t) => {
  const first = await startServer(t);
  const second = start(t, ['serve', first.path, '--takeover', '--exec', 'echo second']);
  await second.said(/Listening at/u);
  t.is((await run(t, ['send', first.path])).stdout.toString(), 'second\n');
  const { code, stderr } = await first.ended;
  t.is(code, 0);
  t.regex(stderr, /Stopped serving at \S+, which another server has taken over: 1 pinged\.\n$/u);
  second.child.kill('SIGTERM');
  t.is((await second.ended).code, 0);
});

test.serial('--takeover where it cannot be: exit code 1, and the server there serves on', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  await listenAt(t, path);
  const { code, stderr } = await run(t, ['serve', path, '--takeover']);
  t.is(code, 1);
  t.regex(stderr, /^simple-ipc: The server at \S+ can't be taken over: it says nothing of itself/u);
});

test.serial('--idle-exit: it ends when nobody comes, and that is fine', async (t) => {
  const server = await startServer(t, ['--idle-exit', '0.3']);
  t.is(await (await request(server.path, 'ping')).text(), 'pong');
  const { code, stderr } = await server.ended;
  t.is(code, 0);
  t.regex(stderr, /Stopped serving at \S+, for nobody had come for a while: 1 answered\.\n$/u);
  t.is((await probe(server.path)).state, 'not-listening');
});

test.serial('--idle-exit with what is no time: exit code 2', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  for (const seconds of ['soon', '-1', '1e300'])
    t.is((await run(t, ['serve', path, '--idle-exit', seconds])).code, 2, seconds);
});

test.serial('--no-control: nothing listens beside the socket', async (t) => {
  const { path } = await startServer(t, ['--no-control']);
  const [instance, ...more] = readdirSync(`${path}.d`);
  t.deepEqual(more, []);
  t.deepEqual(readdirSync(join(`${path}.d`, instance!)), ['status.json']);
});

test.serial('PATH left out, and no service manager: exit code 2', async (t) => {
  const { code, stderr } = await run(t, ['serve']);
  t.is(code, 2);
  t.is(stderr, 'simple-ipc: serve needs a PATH: no service manager has handed a socket in.\n');
});
