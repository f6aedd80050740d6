import { existsSync, linkSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'ava';
import { acquireLock } from '../../src/runtime/rendezvous/lock.ts';
import { probe, QUIT, request, serve, SimpleIpcError } from '../../src/index.ts';
import { message, rawClient } from '../support/raw-client.ts';
import { eventually, gate, serving, within } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';

const ask = async (path: string, text?: string) => (await request(path, text)).text();

for (const interpreted of [false, true]) {
  const how = interpreted ? 'interpreted' : 'compiled';

  test(`it answers what a handler gives, of every kind (${how})`, async (t) => {
    const answers: Record<string, () => unknown> = {
      nothing: () => undefined,
      text: () => 'größe',
      bytes: () => new Uint8Array([0, 255, 10]),
      promise: async () => 'later',
      array: () => ['a', '', new Uint8Array([98])],
      set: () => new Set(['x', 'y']),
      generator: function* () {
        yield 'one ';
        yield 'two';
      },
      'async generator': async function* () {
        yield 'one ';
        await Promise.resolve();
        yield 'two';
      },
      'promise of a generator': async () =>
        (function* () {
          yield 'g';
        })(),
      stream: () => ReadableStream.from(['s', 't']),
      'empty generator': function* () {},
      'long text': () => 'é'.repeat(100_000),
      'long bytes': () => new Uint8Array(300_000).fill(65),
    };
    const { path } = await serving(t, async (incoming) => answers[await incoming.text()]?.() as string, {
      interpreted,
    });
    const got = async (what: string) =>
      Buffer.from(await (await request(path, what)).bytes()).toString('utf8');
    t.is(await got('nothing'), '');
    t.is(await got('text'), 'größe');
    t.deepEqual(await (await request(path, 'bytes')).bytes(), Buffer.from([0, 255, 10]));
    t.is(await got('promise'), 'later');
    t.is(await got('array'), 'ab');
    t.is(await got('set'), 'xy');
    t.is(await got('generator'), 'one two');
    t.is(await got('async generator'), 'one two');
    t.is(await got('promise of a generator'), 'g');
    t.is(await got('stream'), 'st');
    t.is(await got('empty generator'), '');
    t.is(await got('long text'), 'é'.repeat(100_000));
    t.is(await got('long bytes'), 'A'.repeat(300_000));
  });

  test(`the states of a request, in their order (${how})`, async (t) => {
    const { path, transitions, ended } = await serving(t, () => 'pong', { interpreted });
    t.is(await ask(path, 'ping'), 'pong');
    await ended(1);
    const steps = transitions
      .filter(({ actor }) => actor === 'c1')
      .map(({ from, event, to }) => `${from} ${event} ${to}`);
    t.deepEqual(steps, [
      'none xstate.init listening',
      'listening BYTES reading-request',
      'reading-request REQUEST_COMPLETE dispatching',
      'dispatching SLOT_GRANTED dispatching',
      'dispatching HANDLER_DONE streaming-response',
      'streaming-response ANSWER_FLUSHED closed',
    ]);
    const times = transitions.map(({ at }) => at);
    t.true(times.every((at) => Math.abs(at - Date.now()) < 60_000));
  });

  test(`whatever a handler throws, the server goes on (${how})`, async (t) => {
    const refuse = (): never => {
      throw new Error('no');
    };
    const things = [
      undefined,
      Object.assign(new Error('x'), { message: Symbol('odd') }),
      Object.create(null),
      new Proxy(new Error('x'), { get: refuse }),
      new Proxy(new Error('x'), { getPrototypeOf: refuse, has: refuse }),
    ];
    const { path, server } = await serving(
      t,
      async (incoming) => {
        const text = await incoming.text();
        if (text === 'fine') return text;
        throw things[Number(text)];
      },
      { interpreted },
    );
    for (const index of things.keys())
      await t.throwsAsync(ask(path, String(index)), { code: 'SIMPLE_IPC_HUNG_UP' }, String(index));
    t.is(await ask(path, 'fine'), 'fine');
    t.is(server.stats.ended['handler-failed'], things.length);
  });

  test(`a handler that fails, fails its request alone: no flush packet is sent (${how})`, async (t) => {
    const { path, ended, server } = await serving(
      t,
      async function* (incoming) {
        const text = await incoming.text();
        if (text === 'late') yield 'half';
        if (text !== 'fine') throw new Error(`no ${text}`);
        yield 'fine';
      },
      { interpreted },
    );
    const early = await rawClient(path);
    early.socket.write(message('early'));
    t.is(await early.closed, '');
    const first = await ended(1);
    t.is(first.output.outcome, 'handler-failed');
    t.is(first.reason, 'no early');
    const late = await rawClient(path);
    late.socket.write(message('late'));
    t.is(await late.closed, '0008half');
    const error = await t.throwsAsync(ask(path, 'late'), { instanceOf: SimpleIpcError });
    t.is((error as SimpleIpcError).code, 'SIMPLE_IPC_HUNG_UP');
    t.is(await ask(path, 'fine'), 'fine');
    t.is(server.stats.ended['handler-failed'], 3);
  });

  test(`QUIT ends the server after its answer (${how})`, async (t) => {
    const { path, server } = await serving(
      t,
      async function* () {
        yield 'bye';
        return QUIT;
      },
      { interpreted },
    );
    t.is(await ask(path), 'bye');
    t.deepEqual(await server.closed, { reason: 'quit' });
    t.is(server.state, 'stopped');
    t.false(existsSync(path));
    t.is((await probe(path)).state, 'not-listening');
  });
}

test('what a handler may not answer is a failure that says so', async (t) => {
  const wrong: Record<string, () => unknown> = {
    number: () => 7,
    null: () => null,
    chunk: () => [1],
    returned: function* () {
      yield 'a';
      return 'b';
    },
  };
  const { path, ended } = await serving(t, async (incoming) => wrong[await incoming.text()]?.() as string);
  const reasons = ['a number', 'is null', 'chunk that is a number', 'yield what is to be sent'];
  for (const [index, what] of Object.keys(wrong).entries()) {
    await t.throwsAsync(ask(path, what), { code: 'SIMPLE_IPC_HUNG_UP' });
    const { reason, output } = await ended(index + 1);
    t.is(output.outcome, 'handler-failed');
    t.true(reason?.includes(reasons[index] as string), `${reason}`);
  }
});

test("the socket is its owner's alone from the moment it appears, and nothing stands beside it after the end", async (t) => {
  const path = temporaryPath(t);
  const server = await serve(path, () => 'x');
  t.is(lstatSync(path).mode & 0o777, 0o600);
  await server.close();
  t.deepEqual(readdirSync(dirname(path)), []);
});

test('await using closes the server', async (t) => {
  const path = temporaryPath(t);
  {
    await using server = await serve(path, () => 'x');
    t.is(server.state, 'accepting');
    t.is(await ask(path), 'x');
  }
  t.false(existsSync(path));
});

test('a second server at the same path says so, and the first goes on', async (t) => {
  const { path } = await serving(t, () => 'first');
  await t.throwsAsync(
    serve(path, () => 'second'),
    { code: 'SIMPLE_IPC_ADDRESS_IN_USE' },
  );
  t.is(await ask(path), 'first');
});

test('closing lets running requests finish, serves the backlog, and refuses who has not spoken', async (t) => {
  const held = gate();
  const { path, server, until, ended } = await serving(t, async (incoming) => {
    const text = await incoming.text();
    if (text === 'slow') await held.promise;
    return text;
  });
  const slow = ask(path, 'slow');
  await until(({ actor, event }) => actor === 'c1' && event === 'SLOT_GRANTED');
  const silent = await rawClient(path);
  await until(({ actor }) => actor === 'c2');
  const queued = Array.from({ length: 50 }, (_, n) => ask(path, `q${n}`));
  const closing = server.close();
  t.deepEqual(
    await Promise.all(queued),
    queued.map((_, n) => `q${n}`),
  );
  t.is(await silent.closed, '');
  t.is((await ended(2)).output.outcome, 'refused');
  t.is(server.state, 'draining');
  t.false(existsSync(path));
  held.resolve();
  t.is(await slow, 'slow');
  await closing;
  t.is(server.state, 'stopped');
  t.deepEqual(await server.closed, { reason: 'closed' });
});

test('the drain deadline aborts what still runs, by its signal', async (t) => {
  const aborted = gate<unknown>();
  const { path, server, ended, until } = await serving(t, async (_incoming, { signal }) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    aborted.resolve(signal.reason);
  });
  const answer = ask(path, 'x');
  await until(({ event }) => event === 'SLOT_GRANTED');
  await server.close({ drainTimeout: 10 });
  await t.throwsAsync(answer, { code: 'SIMPLE_IPC_HUNG_UP' });
  t.is((await ended(1)).output.outcome, 'aborted');
  t.is(((await aborted.promise) as SimpleIpcError).code, 'SIMPLE_IPC_ABORTED');
  await eventually(() => server.stats.abandoned === 0, 'the handler settles');
});

test('a second close can shorten the first', async (t) => {
  const { path, server, until } = await serving(t, () => new Promise<never>(() => {}));
  const answer = t.throwsAsync(ask(path, 'x'));
  await until(({ event }) => event === 'SLOT_GRANTED');
  const first = server.close({ drainTimeout: 1_000_000 });
  await Promise.all([server.close({ drainTimeout: 0 }), first, answer]);
  t.is(server.stats.abandoned, 1);
});

test('a signal closes a running server, and stops one that starts', async (t) => {
  const controller = new AbortController();
  const { server } = await serving(t, () => 'x', { signal: controller.signal });
  controller.abort();
  t.deepEqual(await server.closed, { reason: 'closed' });
  await t.throwsAsync(
    serve(temporaryPath(t), () => 'x', { signal: controller.signal }),
    { code: 'SIMPLE_IPC_ABORTED' },
  );
});

test("a path that is lost ends the server, which leaves the successor's socket alone", async (t) => {
  const { path, server } = await serving(t, () => 'old', { pathCheckInterval: 5 });
  const successorPath = `${path}.new`;
  const successor = await serve(successorPath, () => 'new');
  t.teardown(() => successor.close());
  renameSync(successorPath, path);
  t.is((await within(server.closed, 'the loss is noticed')).reason, 'path-lost');
  t.is(await ask(path), 'new');
  rmSync(path);
});

test('a path that is deleted ends the server', async (t) => {
  const { path, server } = await serving(t, () => 'x', { pathCheckInterval: 5 });
  rmSync(path);
  t.is((await within(server.closed, 'the loss is noticed')).reason, 'path-lost');
});

test('an observer that throws is warned of once, and breaks nothing', async (t) => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  const path = temporaryPath(t);
  const server = await serve(path, () => 'x', {
    onTransition: () => {
      throw new Error('observer');
    },
  });
  t.is(await ask(path), 'x');
  await server.close();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  t.is(warnings.filter(({ message: text }) => text.includes('observer')).length, 1);
});

test('bad options and handlers are told at once', async (t) => {
  const path = temporaryPath(t);
  const invalid = { code: 'SIMPLE_IPC_INVALID_ARGUMENT' };
  await t.throwsAsync(serve(path, 'x' as never), invalid);
  for (const options of [
    { concurrency: 0 },
    { window: 1.5 },
    { readTimeout: -1 },
    { drainTimeout: Number.NaN },
  ]) {
    await t.throwsAsync(
      serve(path, () => 'x', options),
      { ...invalid, message: new RegExp(Object.keys(options)[0] as string) },
    );
  }
  await t.throwsAsync(
    serve('', () => 'x'),
    invalid,
  );
});

test('closing again does not put the deadline off', async (t) => {
  const { path, server, until, ended } = await serving(t, () => new Promise<never>(() => {}));
  const answer = t.throwsAsync(ask(path, 'x'));
  await until(({ event }) => event === 'SLOT_GRANTED');
  const first = server.close({ drainTimeout: 100 });
  const again = setInterval(() => void server.close({ drainTimeout: 100_000 }), 20);
  await within(first, 'the first deadline holds');
  clearInterval(again);
  await answer;
  t.regex((await ended(1)).reason as string, /100 ms/);
});

test('a drain ends although clients still find the way in, by a second name of the socket', async (t) => {
  const { path, server } = await serving(t, () => 'x', { drainTimeout: 500 });
  linkSync(path, `${path}-2`);
  const over = new AbortController();
  const clients = Array.from({ length: 4 }, async () => {
    while (!over.signal.aborted)
      await ask(`${path}-2`, 'x').catch(() => new Promise((resolve) => setTimeout(resolve, 5)));
  });
  await eventually(() => server.stats.ended.answered > 50, 'they are answered');
  await within(server.close(), 'the server ends');
  t.deepEqual(await server.closed, { reason: 'closed' });
  over.abort();
  await Promise.all(clients);
});

test('who comes when the deadline has passed, for the path could not be given up, has as long as the others', async (t) => {
  // Long enough for the late one's bytes to come, while the other tests here keep the thread busy.
  const { path, server, until } = await serving(t, () => new Promise<never>(() => {}), {
    drainTimeout: 1_000,
  });
  const lock = await acquireLock(path, { lockTimeout: 1_000 });
  const first = t.throwsAsync(ask(path, 'x'), { code: 'SIMPLE_IPC_HUNG_UP' });
  await until(({ event }) => event === 'SLOT_GRANTED');
  const closing = server.close();
  await until(({ event }) => event === 'DEADLINE');
  await first;
  const late = t.throwsAsync(ask(path, 'x'), { code: 'SIMPLE_IPC_HUNG_UP' });
  await until(({ actor, event }) => actor === 'c2' && event === 'SLOT_GRANTED');
  lock.release();
  await within(closing, 'it ends all the same');
  await late;
});

test('a handler that passes on the answer of another server lets go of it when its client leaves', async (t) => {
  const upstream = await serving(t, async function* (_incoming, { signal }) {
    yield 'first';
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  });
  const front = await serving(t, (incoming) => request(upstream.path, incoming));
  const client = await rawClient(front.path);
  client.socket.write(message('x'));
  await client.has('first');
  client.socket.destroy();
  t.is((await upstream.ended(1)).output.outcome, 'hung-up');
  await eventually(() => front.server.stats.running === 0, 'the slot is free');
});
