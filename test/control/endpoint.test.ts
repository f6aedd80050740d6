/** What a server's control endpoint answers, word by word, and what its clients cost the server: nothing. */
import { existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { events as follow, request, serve, status, type Server, type Transition } from '../../src/index.ts';
import { instanceAt, instancesAt } from '../../src/runtime/rendezvous/instances.ts';
import { acquireLock } from '../../src/runtime/rendezvous/lock.ts';
import { controlled, linesIn, tellControl } from '../support/controlled.ts';
import { hostServer } from '../support/host.ts';
import { message, packet, rawClient, type RawClient } from '../support/raw-client.ts';
import { longName } from '../support/rendezvous.ts';
import { eventually, gate, PATIENCE, within } from '../support/serving.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';

const onUnix = process.platform === 'win32' ? test.skip : test;
const onLinux = process.platform === 'linux' ? test : test.skip;

const ask = async (path: string, text = 'x') => (await request(path, text, { deadline: PATIENCE })).text();

test('status: what it has written of itself, and how it is', async (t) => {
  const { path, server, tell } = await controlled(t, undefined, {
    program: 'tested',
    version: '1.2.3',
    drainTimeout: 1234,
  });
  await ask(path);
  const [line, ...more] = (await tell('status')) as { live: Record<string, unknown> }[];
  t.deepEqual(more, []);
  const { live, ...written } = line!;
  t.deepEqual(written, { ...instanceAt(path) } as never);
  t.like(written, { format: 1, path, pid: process.pid, program: 'tested', version: '1.2.3' });
  const { uptime, memory, ...rest } = live as { uptime: number; memory: { rss: number; heapUsed: number } };
  t.deepEqual(rest as object, { state: 'accepting', stats: server.stats, drainTimeout: 1234 });
  t.true(uptime >= 0 && uptime < PATIENCE);
  t.true(memory.rss > memory.heapUsed && memory.heapUsed > 0);
});

test('stop: says at once that it drains, and in the end how it ended', async (t) => {
  const held = gate();
  const { path, server, control } = await controlled(t, async () => {
    await held.promise;
    return 'done';
  });
  const answer = ask(path);
  await eventually(() => server.stats.running === 1, 'the request runs');
  const client = await rawClient(control);
  client.socket.write(message('stop'));
  await client.has('{"state":"draining","open":1}\n');
  t.is(server.state, 'draining');
  t.notRegex(client.received(), /ended/u);
  held.resolve();
  t.is(await answer, 'done');
  const said = /(\{"ended":.*\}\n)/u.exec(await client.closed)?.[1] ?? '';
  const [last] = linesIn(said) as [{ ended: string; stats: { ended: { answered: number } } }];
  t.is(last.ended, 'closed');
  t.is(last.stats.ended.answered, 1);
  t.is((await server.closed).reason, 'closed');
});

test('stop {"drainTimeout"}: what runs has no more time than that', async (t) => {
  const { path, server, tell } = await controlled(t, () => new Promise<never>(() => {}), {
    drainTimeout: 60_000,
  });
  const answer = ask(path);
  await eventually(() => server.stats.running === 1, 'the request runs');
  const [lines] = await Promise.all([
    tell('stop {"drainTimeout":20}'),
    t.throwsAsync(answer, { code: 'SIMPLE_IPC_HUNG_UP' }),
  ]);
  t.deepEqual(lines[0] as object, { state: 'draining', open: 1 });
  t.like(lines[1], { ended: 'closed', stats: { ended: { aborted: 1 } } });
});

for (const drainTimeout of ['-1', '"soon"', 'null', '1e300']) {
  test(`stop with a drainTimeout of ${drainTimeout} is refused, and it serves on`, async (t) => {
    const { path, server, tell } = await controlled(t);
    const [line, ...more] = (await tell(`stop {"drainTimeout":${drainTimeout}}`)) as { error: string }[];
    t.deepEqual(more, []);
    t.regex(line!.error, /drainTimeout is .*: give milliseconds/u);
    t.is(server.state, 'accepting');
    t.is(await ask(path, 'y'), 'y');
  });
}

for (const [words, error] of [
  ['', /^"" is not known here: ask for status, stop, handover or events\.$/u],
  ['Status', /^"Status" is not known here/u],
  ['status!', /not known here/u],
  ['x'.repeat(60_000), /not known here/u],
  ['\0\u{10ffff}', /not known here/u],
  ['status {', /^Behind status stand its options as a JSON object, such as/u],
  ['stop 5', /^Behind stop stand its options/u],
  ['stop []', /^Behind stop stand its options/u],
  ['handover null', /^Behind handover stand its options/u],
  ['events "all"', /^Behind events stand its options/u],
  ['events {"interval":"often"}', /^interval must be a number of milliseconds/u],
  ['events {"interval":9}', /^interval must be a number of milliseconds/u],
] as const) {
  test(`${JSON.stringify(words.slice(0, 30))} is answered with what is wrong, and does nothing`, async (t) => {
    const { path, server, tell } = await controlled(t);
    const [line, ...more] = (await tell(words)) as { error: string }[];
    t.deepEqual(more, []);
    t.regex(line!.error, error);
    t.is(server.state, 'accepting');
    t.is(await ask(path, 'y'), 'y');
  });
}

test('a longer request than any of its words is refused', async (t) => {
  const { server, tell } = await controlled(t);
  await t.throwsAsync(tell('x'.repeat(70_000)), { code: 'SIMPLE_IPC_HUNG_UP' });
  t.like((await tell('status'))[0], { live: { state: 'accepting' } });
  t.is(server.state, 'accepting');
});

test('handover: it drains, and ends as handed over; who has not spoken is heard', async (t) => {
  const { path, server, tell } = await controlled(t);
  const silent = await rawClient(path);
  await eventually(() => server.stats.open === 1, 'the client is accepted');
  t.deepEqual(await tell('handover'), [{ state: 'draining' }]);
  silent.socket.write(message('late'));
  t.is(await silent.closed, message('late'));
  t.is((await server.closed).reason, 'handed-over');
});

test('handover: who comes while it gives the path up, and is slow to speak, is heard, too', async (t) => {
  const { path, server, tell } = await controlled(t, undefined, { lockTimeout: 20_000 });
  // The path stands as long as the lock is held.
  const lock = await acquireLock(path, { lockTimeout: 5_000 });
  await tell('handover');
  const client = await rawClient(path);
  lock.release();
  // Longer than those have who have not spoken when a server is stopped.
  await sleep(100);
  client.socket.write(message('late'));
  t.is(await client.closed, message('late'));
  t.is((await server.closed).reason, 'handed-over');
});

test('events: each transition is a line, while others are served', async (t) => {
  const { path, server, control } = await controlled(t);
  const seen: Transition[] = [];
  server.observe((transition) => seen.push(transition));
  const client = await watching(control, server);
  for (let i = 0; i < 20; i++) t.is(await ask(path, `${i}`), `${i}`);
  t.like((await tellControl(control, 'status'))[0], { live: { stats: { ended: { answered: 20 } } } });
  await server.close();
  const lines = linesIn(textOf(await client.closed)) as Transition[];
  t.true(lines.length >= 20 * 4);
  // JSON has no `undefined`, and of an error the message.
  t.deepEqual(lines, JSON.parse(JSON.stringify(seen)));
  t.like(lines.at(-1), { machine: 'pool', to: 'stopped', output: { reason: 'closed' } });
});

test('events that nobody reads hold nothing up: they are dropped, and counted', async (t) => {
  const { path, server, control } = await controlled(t);
  let count = 0;
  server.observe(() => count++);
  const client = await watching(control, server, { reading: false });
  // About 1.2 KB of events each: more than is held for it, and what the kernel takes.
  for (let i = 0; i < 2_500; i++) if ((await ask(path)) !== 'x') t.fail();
  let text = '';
  client.socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  await eventually(() => text.includes('"event":"dropped"'), 'it reads what is left');
  await server.close();
  await client.closed;
  const lines = linesIn(textOf(text)) as { event: string; count?: number; to?: string }[];
  const dropped = lines.reduce((sum, line) => sum + (line.event === 'dropped' ? line.count! : 0), 0);
  t.true(dropped > 1_000, `${dropped}`);
  t.is(lines.filter(({ event }) => event !== 'dropped').length + dropped, count, 'each is told or counted');
  t.is(lines.at(-1)?.to, 'stopped');
});

test('a server whose events nobody reads ends all the same', async (t) => {
  const { path, server, control } = await controlled(t);
  await watching(control, server, { reading: false });
  for (let i = 0; i < 1_000; i++) await ask(path);
  await within(server.close(), 'it did not end');
  t.is((await server.closed).reason, 'closed');
});

test('a client of events that leaves is forgotten: the server is observed no more', async (t) => {
  const { path, server, control } = await controlled(t);
  let attached = 0;
  let told = 0;
  const { observe } = server;
  (server as { observe: Server['observe'] }).observe = (listener) => {
    attached++;
    const detach = observe((transition) => {
      told++;
      listener(transition);
    });
    return () => {
      attached--;
      detach();
    };
  };
  for (const words of ['events', 'events {"interval":10}']) {
    const client = await rawClient(control);
    client.socket.write(message(words));
    await eventually(() => attached === 1, 'it is observed');
    await ask(path);
    t.true(told > 0);
    client.socket.destroy();
    await eventually(() => attached === 0, 'it is not observed any more');
    told = 0;
    await ask(path);
    t.is(told, 0);
  }
});

test('events have 32 readers at once, and others are told so; status and stop are answered', async (t) => {
  const { control, server, tell } = await controlled(t);
  const clients: RawClient[] = [];
  for (let i = 0; i < 32; i++) clients.push(await watching(control, server));
  for (const words of ['events', 'events {"interval":20}']) {
    const [line, ...more] = (await tell(words)) as { error: string }[];
    t.deepEqual(more, []);
    t.regex(line!.error, /^32 others follow its events already/u);
  }
  await t.throwsAsync(follow(server.path).next(), { code: 'SIMPLE_IPC_BUSY', message: /32 others/u });
  t.like((await tell('status'))[0], { live: { state: 'accepting' } });
  clients[0]!.socket.destroy();
  const follows = async () => {
    const next = await rawClient(control);
    next.socket.write(message('events {"interval":10}'));
    return Promise.race([next.has('"intervalMs"').then(() => true), next.closed.then(() => false)]);
  };
  const trying = (async () => {
    while (!(await follows()));
  })();
  await within(trying, 'there is no room again');
  t.like((await tell('stop'))[1], { ended: 'closed' });
});

test('events {"interval"}: a line each interval, and a last one with its end', async (t) => {
  const { path, server, control } = await controlled(t);
  const client = await rawClient(control);
  client.socket.write(message('events {"interval":20}'));
  await client.has('"intervalMs"');
  await ask(path);
  await client.has('"answered":1');
  await server.close();
  const lines = linesIn(textOf(await client.closed)) as { end?: { reason: string } }[];
  t.deepEqual(lines.at(-1)?.end, { reason: 'closed' });
});

test('its connections count for no statistics, and none of the limits', async (t) => {
  const held = gate();
  const { path, server, control, tell } = await controlled(t, () => held.promise, {
    maxConnections: 1,
    concurrency: 1,
  });
  const events = await watching(control, server);
  const first = ask(path);
  await eventually(() => server.stats.running === 1, 'the only place is taken');
  await t.throwsAsync(ask(path), { message: /too many connections/u });
  t.like((await tell('status'))[0], { live: { stats: { open: 1, running: 1, refused: 1 } } });
  held.resolve();
  await first;
  await eventually(() => server.stats.open === 0, 'it has ended');
  const { accepted, refused, open, running } = server.stats;
  t.deepEqual({ accepted, refused, open, running }, { accepted: 2, refused: 1, open: 0, running: 0 });
  events.socket.destroy();
});

test('a server with clients at its control endpoint ends promptly', async (t) => {
  const { server, control } = await controlled(t, undefined, { drainTimeout: 60_000 });
  const events = await watching(control, server);
  const silent = await rawClient(control);
  const start = performance.now();
  await server.close();
  t.true(performance.now() - start < 900, 'without the time that its control endpoint would have');
  await events.closed;
  await silent.closed;
});

test('half a request at its control endpoint keeps it for a moment only', async (t) => {
  const { server, control } = await controlled(t, undefined, { drainTimeout: 60_000 });
  const half = await rawClient(control);
  half.socket.write(packet('stop').slice(0, 6));
  await tellControl(control, 'status');
  await within(server.close(), 'it did not end', 10_000);
  t.is(await half.closed, '');
});

test('a client of events keeps no idle server alive', async (t) => {
  const { server, control } = await controlled(t, undefined, { idleTimeout: 100 });
  const events = await watching(control, server);
  t.is((await within(server.closed, 'it did not end')).reason, 'idle');
  const lines = linesIn(textOf(await events.closed)) as Transition[];
  t.is(lines.at(-1)?.to, 'stopped');
});

test('without control there is none', async (t) => {
  const path = temporaryPath(t);
  for (const options of [{}, { control: false }]) {
    const server = await serve(path, () => 'pong', options);
    t.is(instanceAt(path)?.control, null);
    t.deepEqual(readdirSync(dirname(instanceAt(path)!.boundAs)), ['status.json']);
    await server.close();
  }
});

onUnix("it is its user's alone, and all of it goes with the server", async (t) => {
  const path = temporaryPath(t);
  const { pid, server } = await hostServer(t, path, { control: true, umask: 0 });
  const { control } = instanceAt(path)!;
  const instance = dirname(control!);
  t.is(dirname(instance), `${path}.d`);
  t.is(basename(instance).split('-')[0], `${pid}`);
  t.deepEqual(readdirSync(instance), ['control', 'status.json']);
  t.true(lstatSync(control!).isSocket());
  t.is(lstatSync(control!).mode & 0o777, 0o600);
  t.is(lstatSync(join(instance, 'status.json')).mode & 0o777, 0o600);
  for (const directory of [instance, `${path}.d`]) t.is(lstatSync(directory).mode & 0o777, 0o700);
  await server.close();
  t.deepEqual(readdirSync(dirname(path)), []);
});

onUnix('it listens before the socket appears', async (t) => {
  const path = temporaryPath(t);
  const starting = serve(path, () => 'pong', { control: true });
  let listened = false;
  for (let looks = 1; !existsSync(path); looks++) {
    const [found] = instancesAt(path);
    listened ||= found !== undefined && existsSync(join(found.directory, 'control'));
    // Most of a start is done within one turn of the loop.
    await new Promise((resolve) =>
      looks % 100 === 0 ? setImmediate(resolve) : process.nextTick(resolve, undefined),
    );
  }
  t.true(listened);
  t.is(instanceAt(path)?.pid, process.pid, 'and what it has written of itself is there with the socket');
  await (await starting).close();
});

test('asked before the server is up, it answers as soon as that is', async (t) => {
  const path = temporaryPath(t);
  const starting = serve(path, () => 'pong', { control: true });
  let control: string | null | undefined;
  while (control === undefined) {
    control = existsSync(`${path}.d`) ? instancesAt(path)[0]?.status?.control : undefined;
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.like((await tellControl(control!, 'status'))[0], { path, live: { state: 'accepting' } });
  await (await starting).close();
});

onLinux('at a path that is longer than an address', async (t) => {
  const path = longName(temporaryDirectory(t), 'app.sock', 200);
  mkdirSync(dirname(path), { recursive: true });
  const { control, server, tell } = await controlled(t, undefined, {}, path);
  t.true(Buffer.byteLength(control) > 107);
  t.is(lstatSync(control).mode & 0o777, 0o600);
  t.like((await tell('status'))[0], { path, live: { state: 'accepting' } });
  t.like(await status(path), { problem: null, live: { state: 'accepting' } });
  t.like((await tell('stop'))[1], { ended: 'closed' });
  await server.closed;
  t.deepEqual(readdirSync(dirname(path)), []);
});

test('a start that fails leaves no control endpoint', async (t) => {
  const { path } = await controlled(t);
  const before = readdirSync(`${path}.d`);
  await t.throwsAsync(
    serve(path, () => 'other', { control: true }),
    { code: 'SIMPLE_IPC_ADDRESS_IN_USE' },
  );
  t.deepEqual(readdirSync(`${path}.d`), before);
  const { control } = instanceAt(path)!;
  const socket = connect(control!);
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.destroy();
});

/** A client of events that the server has taken notice of. */
async function watching(
  control: string,
  server: Server,
  options?: { reading?: boolean },
): Promise<RawClient> {
  const { observe } = server;
  const observed = gate();
  (server as { observe: Server['observe'] }).observe = (listener) => {
    observed.resolve();
    return observe(listener);
  };
  const client = await rawClient(control, options);
  client.socket.write(message('events'));
  await within(observed.promise, 'the server is not observed');
  (server as { observe: Server['observe'] }).observe = observe;
  return client;
}

/** What an answer says: its packets without their lengths. */
function textOf(answer: string): string {
  let text = '';
  for (let at = 0; at < answer.length;) {
    const length = Number.parseInt(answer.slice(at, at + 4), 16);
    if (length === 0) return text;
    text += answer.slice(at + 4, at + length);
    at += length;
  }
  throw new Error('the answer has no end');
}
