/** A server that ends when nobody comes for a while, and turns nobody away by it. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { request, serve } from '../../src/index.ts';
import { acquireLock } from '../../src/runtime/rendezvous/lock.ts';
import { message, rawClient } from '../support/raw-client.ts';
import { eventually, serving, within } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';

const ask = async (path: string) => (await request(path, 'x')).text();

test.serial('it ends when nobody came at all, after that time and not much later', async (t) => {
  const start = performance.now();
  const { path, server } = await serving(t, () => 'pong', { idleTimeout: 200 });
  t.deepEqual(await within(server.closed, 'it did not end'), { reason: 'idle' });
  const took = performance.now() - start;
  t.true(took >= 200, `${took}`);
  t.true(took < 2_000, `${took}`);
  t.deepEqual(readdirSync(dirname(path)), []);
});

test.serial('the time begins when the last connection has ended', async (t) => {
  const { path, server, ended } = await serving(t, () => 'pong', { idleTimeout: 200 });
  await sleep(100);
  await ask(path);
  const last = await ended(1);
  t.deepEqual(await within(server.closed, 'it did not end'), { reason: 'idle' });
  // It is looked at ten times in the time.
  const idle = performance.timeOrigin + performance.now() - last.at;
  t.true(idle >= 180, `${idle}`);
});

test.serial('an open connection keeps it, though it says nothing', async (t) => {
  const { path, server, until } = await serving(t, () => 'pong', { idleTimeout: 60 });
  const client = await rawClient(path);
  await until(({ actor }) => actor === 'c1');
  await sleep(400);
  t.is(server.state, 'accepting');
  client.socket.write(message('x'));
  t.is(await client.closed, message('pong'));
  t.deepEqual(await within(server.closed, 'it did not end'), { reason: 'idle' });
});

test.serial('so does a request that takes its time', async (t) => {
  const { path, server } = await serving(
    t,
    async () => {
      await sleep(400);
      return 'pong';
    },
    { idleTimeout: 60 },
  );
  t.is(await ask(path), 'pong');
  t.deepEqual(await within(server.closed, 'it did not end'), { reason: 'idle' });
});

test.serial('so do requests that come again and again, however short they are', async (t) => {
  const { path, server } = await serving(t, () => 'pong', { idleTimeout: 200 });
  const until = performance.now() + 900;
  while (performance.now() < until) {
    t.is(await ask(path), 'pong');
    await sleep(20);
  }
  t.is(server.state, 'accepting');
  t.deepEqual(await within(server.closed, 'it did not end'), { reason: 'idle' });
});

test.serial('0: never', async (t) => {
  const { server } = await serving(t, () => 'pong', { idleTimeout: 0 });
  await sleep(100);
  t.is(server.state, 'accepting');
});

test.serial(
  'who comes in the very moment is served, or finds no server: nobody is turned away',
  async (t) => {
    const ROUNDS = 72;
    const IDLE = 20;
    const path = temporaryPath(t);
    let served = 0;
    let late = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const server = await serve(path, (incoming) => incoming.text(), { idleTimeout: IDLE });
      // Around the moment in which it ends.
      await sleep(IDLE - 4 + (round % 12));
      try {
        const answer = await (await request(path, `${round}`)).text();
        if (answer === `${round}`) served++;
        else t.fail(answer);
      } catch (error) {
        // Nothing was sent: the caller may start one, or ask again.
        const { code } = error as { code: string };
        if (code === 'SIMPLE_IPC_PATH_NOT_FOUND' || code === 'SIMPLE_IPC_NOT_LISTENING') late++;
        else t.fail(`round ${round}: ${String(error)}`);
      }
      await server.close();
      t.true(['idle', 'closed'].includes((await server.closed).reason));
    }
    t.log(`${served} were served, ${late} found no server`);
    t.is(served + late, ROUNDS);
    t.true(served > 0 && late > 0, 'it was the very moment');
  },
);

test.serial('who has connected while it gives the path up, and is slow to speak, is heard', async (t) => {
  const { path, server } = await serving(t, () => 'pong', { idleTimeout: 30, lockTimeout: 20_000 });
  // The path stands as long as the lock is held.
  const lock = await acquireLock(path, { lockTimeout: 5_000 });
  await eventually(() => server.state === 'draining', 'it ends');
  const client = await rawClient(path);
  t.true(existsSync(path));
  lock.release();
  // Longer than those have who have not spoken when a server is stopped.
  await sleep(100);
  client.socket.write(message('x'));
  t.is(await client.closed, message('pong'));
  t.deepEqual(await within(server.closed, 'it did not end'), { reason: 'idle' });
});

test.serial('a time that is none is told', async (t) => {
  for (const idleTimeout of [-1, Number.NaN, Number.POSITIVE_INFINITY, '5' as never]) {
    await t.throwsAsync(
      serve(temporaryPath(t), () => 'pong', { idleTimeout }),
      {
        code: 'SIMPLE_IPC_INVALID_ARGUMENT',
        message: /idleTimeout/u,
      },
    );
  }
});
