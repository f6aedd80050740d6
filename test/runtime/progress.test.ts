import test from 'ava';
import { request } from '../../src/index.ts';
import { ProgressSweep, type Progressing } from '../../src/runtime/progress.ts';
import { packet, message, rawClient } from '../support/raw-client.ts';
import { eventually, gate, serving } from '../support/serving.ts';

test('a client that connects and says nothing is timed out', async (t) => {
  const { path, ended } = await serving(t, () => 'x', { readTimeout: 50 });
  const client = await rawClient(path);
  t.is(await client.closed, '');
  const { from, output, reason } = await ended(1);
  t.deepEqual([from, output.outcome], ['listening', 'timed-out']);
  t.regex(reason as string, /readTimeout/);
});

test('a client that stalls in its request is timed out', async (t) => {
  const { path, ended } = await serving(t, () => 'x', { readTimeout: 50 });
  const client = await rawClient(path);
  client.socket.write(packet('half').slice(0, 7));
  t.is(await client.closed, '');
  t.is((await ended(1)).from, 'reading-request');
});

test('a client that does not read its answer is timed out', async (t) => {
  const { path, ended } = await serving(t, () => 'x'.repeat(5_000_000), { writeTimeout: 50 });
  const client = await rawClient(path, { reading: false });
  client.socket.write(message('x'));
  const { output, reason } = await ended(1);
  t.is(output.outcome, 'timed-out');
  t.regex(reason as string, /writeTimeout/);
});

test('progress of any kind counts: a request that trickles in is no time-out', async (t) => {
  const { path } = await serving(t, (incoming) => incoming.text(), { readTimeout: 100 });
  const client = await rawClient(path);
  const wire = message('0123456789');
  for (const byte of wire) {
    client.socket.write(byte);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.is(await client.closed, wire);
});

test('the time that a handler takes is no time-out', async (t) => {
  const { path, until } = await serving(
    t,
    async (incoming) => {
      const text = await incoming.text();
      // Several times as long as both time-outs, which are to be seen passing by another connection.
      await stalled.promise;
      return text;
    },
    { readTimeout: 30, writeTimeout: 30 },
  );
  const stalled = gate();
  const answer = request(path, 'patience');
  await until(({ event }) => event === 'SLOT_GRANTED');
  for (let n = 0; n < 3; n++) await (await rawClient(path)).closed;
  stalled.resolve();
  t.is(await (await answer).text(), 'patience');
});

test('0 waits for ever', async (t) => {
  const { path, server } = await serving(t, () => 'x', { readTimeout: 0, writeTimeout: 30 });
  const client = await rawClient(path);
  const other = await serving(t, () => 'x', { readTimeout: 100 });
  await (
    await rawClient(other.path)
  ).closed;
  t.is(server.stats.open, 1);
  client.socket.write(message('x'));
  t.is(await client.closed, message('x'));
});

/** The shortest period there is. */
const TIMEOUTS = { readTimeout: 50, writeTimeout: 0 };

const BUSY: Progressing = { progress: 0, waitsFor: undefined, timedOut: () => undefined };

test('without connections there is no timer', async (t) => {
  const connections: Progressing[] = [];
  const idle = new ProgressSweep(TIMEOUTS, connections);
  const busy = new ProgressSweep(TIMEOUTS, [BUSY]);
  t.teardown(() => [idle, busy].forEach((sweep) => sweep.stop()));
  busy.begin();
  await eventually(() => busy.count === 3, 'it sweeps');
  t.is(idle.count, 0, 'none has come yet');

  connections.push(BUSY);
  idle.begin();
  await eventually(() => idle.count === 2, 'it sweeps as well');
  connections.pop();
  const last = busy.count;
  await eventually(() => busy.count === last + 4, 'the other goes on');
  t.is(idle.count, 3, 'the one that finds nobody is the last');

  connections.push(BUSY);
  idle.begin();
  await eventually(() => idle.count === 5, 'it sweeps again');
});
