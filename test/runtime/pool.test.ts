import test from 'ava';
import { request } from '../../src/index.ts';
import { Connection } from '../../src/runtime/connection.ts';
import { message, rawClient } from '../support/raw-client.ts';
import { eventually, gate, serving } from '../support/serving.ts';

const ask = async (path: string, text: string) => (await request(path, text)).text();

test('no more handlers run at once than concurrency says; the others wait, first come, first served', async (t) => {
  const started: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const { path, server, until } = await serving(
    t,
    async (incoming) => {
      const name = await incoming.text();
      started.push(name);
      const { promise } = gates.get(name) as PromiseWithResolvers<void>;
      await promise;
      return name;
    },
    { concurrency: 2 },
  );
  const names = Array.from({ length: 8 }, (_, n) => `r${n + 1}`);
  const answers: Promise<string>[] = [];
  for (const [index, name] of names.entries()) {
    gates.set(name, gate());
    answers.push(ask(path, name));
    const settled = index < 2 ? 'SLOT_GRANTED' : 'SLOT_AWAITED';
    await until(({ actor, event }) => actor === `c${index + 1}` && event === settled);
  }
  t.deepEqual(started, ['r1', 'r2']);
  t.is(server.stats.waiting, 6);
  t.is(server.stats.running, 2);
  // The second of those that run ends first: the third is next all the same.
  for (const name of ['r2', 'r1', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8']) {
    const before = started.length;
    gates.get(name)?.resolve();
    if (before < 8) await eventually(() => started.length > before, `the one after ${name} starts`);
  }
  t.deepEqual(await Promise.all(answers), names);
  t.deepEqual(started, names);
});

test('one that leaves while it waits gives its turn to the next', async (t) => {
  const held = gate();
  const { path, server, until, ended } = await serving(
    t,
    async (incoming) => {
      const name = await incoming.text();
      if (name === 'holder') await held.promise;
      return name;
    },
    { concurrency: 1 },
  );
  const holder = ask(path, 'holder');
  await until(({ actor, event }) => actor === 'c1' && event === 'SLOT_GRANTED');
  const leaver = await rawClient(path);
  leaver.socket.write(message('leaver'));
  await until(({ actor, event }) => actor === 'c2' && event === 'SLOT_AWAITED');
  const stayer = ask(path, 'stayer');
  await until(({ actor, event }) => actor === 'c3' && event === 'SLOT_AWAITED');
  leaver.socket.destroy();
  t.is((await ended(2)).output.outcome, 'hung-up');
  t.is(server.stats.waiting, 1);
  held.resolve();
  t.deepEqual(await Promise.all([holder, stayer]), ['holder', 'stayer']);
  t.is(server.stats.waiting, 0);
});

test('thousands of waiting handlers that answer at once do not exhaust the stack', async (t) => {
  const held = gate();
  let first = true;
  const { path, until } = await serving(
    t,
    () => {
      if (!first) return 'next';
      first = false;
      return held.promise.then(() => 'first');
    },
    { concurrency: 1 },
  );
  const count = 2000;
  const answers = Array.from({ length: count }, (_, n) =>
    request(path, `${n}`, { waitIfBusy: 20_000 }).then((answer) => answer.text()),
  );
  await until(({ actor, event }) => actor === `c${count}` && event === 'SLOT_AWAITED');
  held.resolve();
  t.is((await Promise.all(answers)).filter((answer) => answer === 'next').length, count - 1);
});

test('above maxConnections the newest is closed at once, counted and reported', async (t) => {
  const { path, server, until, transitions } = await serving(t, () => 'x', { maxConnections: 2 });
  const first = await rawClient(path);
  const second = await rawClient(path);
  await until(({ actor }) => actor === 'c2');
  const third = await rawClient(path);
  t.is(await third.closed, '');
  t.regex(
    (await until(({ event }) => event === 'ACCEPT_FAILED')).reason as string,
    /2 are open, which is the limit \(maxConnections\)/,
  );
  t.is(server.stats.refused, 1);
  t.is(server.stats.acceptErrors, 0);
  t.is(server.stats.open, 2);
  t.is(transitions.filter(({ machine, event }) => machine === 'pool' && event === 'CONNECTION').length, 3);
  first.socket.write(message('a'));
  t.is(await first.closed, message('x'));
  t.is(await ask(path, 'there is room again'), 'x');
  second.socket.destroy();
});

test('a handler that ignores its aborted signal keeps its slot, and is counted', async (t) => {
  const held = gate();
  const { path, server, until, ended } = await serving(
    t,
    async (incoming) => {
      if ((await incoming.text()) === 'deaf') await held.promise;
      return 'x';
    },
    { concurrency: 1 },
  );
  const deaf = await rawClient(path);
  deaf.socket.write(message('deaf'));
  await until(({ event }) => event === 'SLOT_GRANTED');
  deaf.socket.destroy();
  await ended(1);
  t.is(server.stats.abandoned, 1);
  t.is(server.stats.running, 1);
  const waiting = ask(path, 'waits');
  await until(({ actor, event }) => actor === 'c2' && event === 'SLOT_AWAITED');
  held.resolve();
  t.is(await waiting, 'x');
  t.is(server.stats.abandoned, 0);
});

// A crash of a connection's actor is a defect of the runtime, so it takes a defect to see one: an event that cannot come.
test.serial('a connection that crashes is closed without a flush packet, and the others go on', async (t) => {
  const original = Connection.prototype.runHandler;
  t.teardown(() => {
    Connection.prototype.runHandler = original;
  });
  let crashes = 1;
  Connection.prototype.runHandler = function (this: Connection) {
    if (crashes-- > 0) this.unexpected('A_DEFECT');
    original.call(this);
  };
  const { path, server, until } = await serving(t, () => 'fine');
  const client = await rawClient(path);
  client.socket.write(message('x'));
  t.is(await client.closed, '');
  const crash = await until(
    ({ machine, event }) => machine === 'pool' && event.startsWith('xstate.error.actor.'),
  );
  t.regex(crash.reason as string, /A_DEFECT/);
  t.is(server.stats.crashed, 1);
  t.is(server.stats.open, 0);
  t.is(await ask(path, 'x'), 'fine');
});

test.serial('crashes that go on end the server, with the cause', async (t) => {
  const original = Connection.prototype.runHandler;
  t.teardown(() => {
    Connection.prototype.runHandler = original;
  });
  Connection.prototype.runHandler = function (this: Connection) {
    this.unexpected('A_DEFECT');
  };
  const { path, server } = await serving(t, () => 'fine');
  for (let n = 0; n < 11; n++) {
    const client = await rawClient(path);
    client.socket.write(message('x'));
    t.is(await client.closed, '');
  }
  const end = await server.closed;
  t.is(end.reason, 'failed');
  t.is(end.error?.code, 'SIMPLE_IPC_SERVER_FAILED');
  t.regex(String(end.error?.cause), /A_DEFECT/);
  t.is(server.state, 'failed');
});
