import test, { type ExecutionContext } from 'ava';
import * as fc from 'fast-check';
import { BOUNDS } from '../../src/control/histogram.ts';
import { summarise, type Summary } from '../../src/control/summary.ts';
import { Tally } from '../../src/control/summary-tally.ts';
import { QUIT, request, type Handler, type ServeOptions, type Transition } from '../../src/index.ts';
import { Connection } from '../../src/runtime/connection.ts';
import { message, packet, rawClient } from '../support/raw-client.ts';
import { gate, serving, within, type Serving } from '../support/serving.ts';

type Listener = (transition: Transition) => void;

interface Observed extends Serving {
  readonly listeners: ReadonlySet<Listener>;
  readonly observe: (listener: Listener) => () => void;
}

/** A server whose transitions can be observed from any time on. */
async function observed(t: ExecutionContext, handler: Handler, options?: ServeOptions): Promise<Observed> {
  const served = await serving(t, handler, options);
  const listeners = new Set<Listener>();
  // It takes them where the server hands them over, and not later.
  const transitions = served.transitions as Transition[];
  const push = transitions.push.bind(transitions);
  transitions.push = (...added) => {
    for (const transition of added) for (const listener of listeners) listener(transition);
    return push(...added);
  };
  const observe = (listener: Listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return { ...served, listeners, observe };
}

/** A tally from now on. */
function tallyOf({ server, observe }: Observed, mostOpen?: number): Tally {
  const tally = new Tally(server, mostOpen);
  observe(tally.observe);
  return tally;
}

const ask = async (path: string, text = 'x') => (await request(path, text)).text();
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

test('requests are counted, with how they ended and how long they took', async (t) => {
  const slow = gate();
  const served = await observed(t, async (incoming) => {
    const text = await incoming.text();
    if (text === 'fails') throw new Error('no');
    if (text === 'slow') await slow.promise;
    return text;
  });
  const tally = tallyOf(served);
  const { path, ended, until } = served;
  await ask(path, 'one');
  await ask(path, 'two');
  await t.throwsAsync(ask(path, 'fails'));
  (await rawClient(path)).socket.end();
  await ended(4);
  const answer = ask(path, 'slow');
  const dispatched = await until(({ actor, to }) => actor === 'c5' && to === 'dispatching');
  const began = served.transitions.find(({ actor, to }) => actor === 'c5' && to === 'reading-request');
  while (performance.timeOrigin + performance.now() < dispatched.at + 50)
    await new Promise((resolve) => setImmediate(resolve));
  slow.resolve();
  await answer;
  const over = await ended(5);

  const summary = tally.take();
  t.is(summary.state, 'accepting');
  t.is(summary.open, 0);
  t.deepEqual(
    Object.entries(summary.ended).filter(([, count]) => count > 0),
    [
      ['answered', 3],
      ['pinged', 1],
      ['handler-failed', 1],
    ],
  );
  const { latency, slowest } = summary;
  t.is(sum(latency.counts), 4, 'the ping is no request');
  const exact = (over.at - (began as Transition).at) * 1_000;
  t.is(latency.max, exact);
  t.is(latency.p99, exact);
  t.is(latency.counts[BOUNDS.findIndex((bound) => bound >= exact)], 1);
  t.true((latency.p50 as number) < 50_000);
  t.true(latency.counts.length === latency.buckets.length + 1);
  t.true(summary.memory.rss > 1_000_000);

  t.is(slowest.length, 4);
  t.like(slowest[0], { connection: 'c5', outcome: 'answered', ms: exact / 1_000, at: began?.at });
  const phases = slowest[0]?.phases ?? [];
  t.deepEqual(
    phases.map(({ state }) => state),
    ['reading-request', 'dispatching', 'streaming-response'],
  );
  t.true((phases[1]?.ms as number) >= 50);
  t.true(Math.abs(sum(phases.map(({ ms }) => ms)) - exact / 1_000) < 0.001);
  t.deepEqual(
    slowest.map(({ ms }) => ms),
    slowest.map(({ ms }) => ms).toSorted((one, other) => other - one),
  );
});

test('an interval begins where the one before ended', async (t) => {
  const served = await observed(t, () => 'fine');
  const tally = tallyOf(served);
  await ask(served.path);
  await served.ended(1);
  const first = tally.take();
  const second = tally.take();
  t.is(first.ended.answered, 1);
  t.is(second.ended.answered, 0);
  t.is(sum(second.latency.counts), 0);
  t.is(second.latency.p50, null);
  t.is(second.latency.max, null);
  t.deepEqual(second.slowest, []);
  t.true(Math.abs(second.intervalMs - (second.at - first.at)) < 0.001);
});

test('connections by state, and the time a request waited for a slot', async (t) => {
  const held = gate();
  const served = await observed(
    t,
    async function* () {
      yield 'begun';
      await held.promise;
    },
    { concurrency: 1 },
  );
  const tally = tallyOf(served);
  const { path, until, ended } = served;
  await rawClient(path);
  await until(({ actor, to }) => actor === 'c1' && to === 'listening');
  const reads = await rawClient(path);
  reads.socket.write(packet('half'));
  await until(({ actor, to }) => actor === 'c2' && to === 'reading-request');
  const streams = await rawClient(path);
  streams.socket.write(message('x'));
  await until(({ actor, to }) => actor === 'c3' && to === 'streaming-response');
  const waits = await rawClient(path);
  waits.socket.write(message('x'));
  const awaited = await until(({ actor, event }) => actor === 'c4' && event === 'SLOT_AWAITED');

  const summary = tally.take();
  t.deepEqual(summary.connections, {
    listening: 1,
    'reading-request': 1,
    dispatching: 1,
    'streaming-response': 1,
  });
  t.is(summary.open, 4);
  t.is(summary.running, 1);
  t.is(summary.waiting, 1);
  t.true(summary.bufferedBytes > 0);

  held.resolve();
  await ended(4);
  const granted = await until(({ actor, event }) => actor === 'c4' && event === 'SLOT_GRANTED');
  const slow = tally.take().slowest.find(({ connection }) => connection === 'c4');
  t.is(slow?.phases.find(({ state }) => state === 'dispatching')?.waited, granted.at - awaited.at);
});

test('no more than the five slowest are told, and they are the slowest', async (t) => {
  const served = await observed(t, () => 'fine');
  const tally = tallyOf(served);
  for (let n = 0; n < 12; n++) await ask(served.path);
  await served.ended(12);
  const began = new Map(
    served.transitions.filter(({ to }) => to === 'reading-request').map(({ actor, at }) => [actor, at]),
  );
  const times = served.transitions
    .filter(({ machine, to }) => machine === 'connection' && to === 'closed')
    .map(({ actor, at }) => at - (began.get(actor) as number))
    .toSorted((one, other) => other - one);
  t.deepEqual(
    tally.take().slowest.map(({ ms }) => ms),
    times.slice(0, 5),
  );
});

test('a connection that was open before is known from when it changes its state', async (t) => {
  const held = gate();
  const served = await observed(t, async function* () {
    await held.promise;
    yield 'x';
  });
  const { path, until, ended } = served;
  const quiet = await rawClient(path);
  const busy = await rawClient(path);
  busy.socket.write(message('x'));
  await until(({ actor, event }) => actor === 'c2' && event === 'SLOT_GRANTED');

  const tally = tallyOf(served);
  const none = { listening: 0, 'reading-request': 0, dispatching: 0, 'streaming-response': 0 };
  t.like(tally.take(), { open: 2, connections: none });
  quiet.socket.write(message('x'));
  await until(({ actor, event }) => actor === 'c1' && event === 'SLOT_GRANTED');
  t.like(tally.take(), { open: 2, connections: { ...none, dispatching: 1 } });
  held.resolve();
  await Promise.all([ended(1), ended(2)]);
  const summary = tally.take();
  t.is(summary.ended.answered, 2);
  t.is(sum(summary.latency.counts), 1, 'when the other one began was not seen');
  t.deepEqual(
    summary.slowest.map(({ connection }) => connection),
    ['c1'],
  );
  t.deepEqual(summary.connections, none);
});

test('refused, and more open connections than are followed', async (t) => {
  const served = await observed(t, () => 'fine', { maxConnections: 3 });
  const tally = tallyOf(served, 2);
  const { path, until } = served;
  for (let n = 0; n < 3; n++) await rawClient(path);
  await (
    await rawClient(path)
  ).closed;
  await until(({ event }) => event === 'ACCEPT_FAILED');
  const summary = tally.take();
  t.like(summary, { open: 3, refused: 1, acceptErrors: 0, dropped: 1 });
  t.is(summary.connections.listening, 2);
  t.like(tally.take(), { refused: 0, dropped: 0 });
});

// It takes a defect to see a crash: an event that cannot come.
test.serial('a connection that crashed is over, and is counted', async (t) => {
  const original = Connection.prototype.runHandler;
  t.teardown(() => {
    Connection.prototype.runHandler = original;
  });
  Connection.prototype.runHandler = function (this: Connection) {
    this.unexpected('A_DEFECT');
  };
  const served = await observed(t, () => 'fine');
  const tally = tallyOf(served);
  const client = await rawClient(served.path);
  client.socket.write(message('x'));
  t.is(await client.closed, '');
  await served.until(({ event }) => event.startsWith('xstate.error.actor.'));
  const summary = tally.take();
  t.is(summary.crashed, 1);
  t.is(summary.open, 0);
  t.deepEqual(Object.values(summary.connections), [0, 0, 0, 0]);
  t.is(sum(summary.latency.counts), 1);
  t.like(summary.slowest[0], { connection: 'c1', outcome: 'crashed' });
});

for (const interpreted of [false, true]) {
  test(`property: as many are counted as requests ended, ${interpreted ? 'interpreted' : 'compiled'}`, async (t) => {
    const served = await observed(
      t,
      async (incoming) => {
        const text = await incoming.text();
        if (text === 'fail') throw new Error('no');
        return text;
      },
      { interpreted },
    );
    let connections = 0;
    const one = {
      ask: () => ask(served.path),
      fail: () => ask(served.path, 'fail').catch(() => undefined),
      ping: async () => (await rawClient(served.path)).socket.end(),
      garbage: async () => {
        const client = await rawClient(served.path);
        client.socket.write('no pkt-line');
        await client.closed;
      },
      leave: async () => {
        const client = await rawClient(served.path);
        client.socket.end(packet('half'));
      },
    };
    const kinds = fc.array(fc.constantFrom(...(Object.keys(one) as (keyof typeof one)[])), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(kinds, async (chosen) => {
        const tally = new Tally(served.server);
        const detach = served.observe(tally.observe);
        await Promise.all(chosen.map((kind) => one[kind]()));
        for (let n = 0; n < chosen.length; n++) await served.ended(++connections);
        detach();
        const { latency, ended, connections: open, dropped } = tally.take();
        t.is(sum(latency.counts), sum(Object.values(ended)) - ended.pinged);
        t.is(sum(latency.counts), chosen.filter((kind) => kind !== 'ping').length);
        t.is(sum(Object.values(open)), 0);
        t.is(dropped, 0);
      }),
      { numRuns: 15 },
    );
  });
}

test('one summary each interval, and it observes only while somebody takes them', async (t) => {
  const served = await observed(t, () => 'fine');
  const { server, observe, listeners, path } = served;
  const stop = new AbortController();
  const summaries = summarise(server, observe, 20, stop.signal);
  t.is(listeners.size, 0, 'not before it is iterated');
  const first = summaries.next();
  t.is(listeners.size, 1);
  await ask(path);
  const taken = [await first, await summaries.next(), await summaries.next()];
  t.is(sum(taken.map(({ value }) => (value as Summary).ended.answered)), 1);
  for (const { value } of taken) t.true((value as Summary).intervalMs > 5);
  await summaries.return();
  t.is(listeners.size, 0, 'left early');
});

test('it ends at once when nobody wants to know any more', async (t) => {
  const { server, observe, listeners } = await observed(t, () => 'fine');
  const stop = new AbortController();
  const summaries = summarise(server, observe, 1_000_000, stop.signal);
  const first = summaries.next();
  stop.abort();
  t.deepEqual(await within(first, 'it goes on'), { done: true, value: undefined });
  t.is(listeners.size, 0);

  const late = summarise(server, observe, 1_000_000, stop.signal);
  t.true((await within(late.next(), 'it begins although it was ended before')).done);
  t.is(listeners.size, 0);
});

test('the last summary says how the server ended, at once', async (t) => {
  const served = await observed(t, () => QUIT);
  const { server, observe, listeners, path } = served;
  const summaries = summarise(server, observe, 1_000_000, new AbortController().signal);
  const first = summaries.next();
  await ask(path);
  const { value } = await within(first, 'the end is not told');
  t.like(value, { state: 'stopped', end: { reason: 'quit' } });
  t.is((value as Summary).ended.answered, 1);
  t.true((await summaries.next()).done);
  t.is(listeners.size, 0);
});

test('the end is told as well where it came while nobody waited', async (t) => {
  const { server, observe } = await observed(t, () => 'fine');
  const { signal } = new AbortController();
  const summaries = summarise(server, observe, 10, signal);
  await summaries.next();
  await server.close();
  const { value } = await within(summaries.next(), 'the end is not told');
  t.like(value, { state: 'stopped', end: { reason: 'closed' } });
  t.true((await summaries.next()).done);

  const late = summarise(server, observe, 1_000_000, signal);
  const last = await within(late.next(), 'a server that is over is waited for');
  t.like(last.value, { state: 'stopped' });
  t.true((await late.next()).done);
});

test('an interval that is none is refused', async (t) => {
  const { server, observe, listeners } = await observed(t, () => 'fine');
  for (const interval of [0, -1, 9, Number.NaN, Number.POSITIVE_INFINITY]) {
    const error = await t.throwsAsync(
      summarise(server, observe, interval, new AbortController().signal).next(),
    );
    t.is((error as { code?: string }).code, 'SIMPLE_IPC_INVALID_ARGUMENT');
  }
  t.is(listeners.size, 0);
});
