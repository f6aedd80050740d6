import { AsyncLocalStorage } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { type Handler, QUIT, request, serve, type Telemetry } from '../../src/index.ts';
import { packet, rawClient } from '../support/raw-client.ts';
import { eventually, gate, serving } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';

/** Telemetry of which one part throws. */
function broken(part: string): Telemetry {
  const at = (name: string) => {
    if (name === part) throw new Error(`${name} is broken`);
  };
  return {
    server() {
      at('server');
      return {
        connection() {
          at('connection');
          return {
            transition: () => at('transition'),
            trailer: () => at('trailer'),
            handle(run, ...args) {
              at('handle');
              return run(...args);
            },
            crashed: () => at('crashed'),
          };
        },
        pool: () => at('pool'),
        ended: () => at('ended'),
      };
    },
    call() {
      at('call');
      return {
        trailer: () => at('client trailer') as undefined,
        state: () => at('state'),
        ended: () => at('client ended'),
      };
    },
  };
}

const PARTS = 'server,connection,transition,trailer,handle,pool,ended,call,client trailer,state,client ended';

for (const part of PARTS.split(',')) {
  test(`telemetry that throws breaks nothing: ${part}`, async (t) => {
    const path = temporaryPath(t);
    const telemetry = broken(part);
    const server = await serve(path, async (incoming) => incoming.text(), { telemetry });
    for (let i = 0; i < 12; i++) t.is(await (await request(path, 'ping', { telemetry })).text(), 'ping');
    const client = await rawClient(path);
    client.socket.write(`${packet('ping')}0001${packet('x=y')}0000`);
    t.is(await client.closed, `${packet('ping')}0000`);
    await t.throwsAsync(request(`${path}.missing`, 'x', { telemetry }), {
      code: 'SIMPLE_IPC_PATH_NOT_FOUND',
    });
    await server.close();
    t.is(server.stats.crashed, 0);
    t.is(server.stats.ended.answered, 13);
  });
}

test('a client is told of one end, though what it observes throws there', async (t) => {
  const { path } = await serving(t, () => 'pong');
  let ends = 0;
  const telemetry: Telemetry = {
    ...broken(''),
    call: () => ({
      trailer: () => undefined,
      state: () => undefined,
      ended() {
        ends++;
        throw new Error('broken');
      },
    }),
  };
  t.is(await (await request(path, 'ping', { telemetry })).text(), 'pong');
  t.is(ends, 1);
});

test('who waited for a slot has nothing of the context of who had it', async (t) => {
  const store = new AsyncLocalStorage<string>();
  const hold = gate();
  const { path, until } = await serving(
    t,
    async () => {
      const before = store.getStore();
      store.enterWith('of an earlier request');
      await hold.promise;
      return `${before}`;
    },
    { concurrency: 1 },
  );
  const answers = [1, 2, 3].map(() => request(path));
  await until(({ event, actor }) => event === 'SLOT_AWAITED' && actor === 'c3');
  hold.resolve();
  const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
  t.deepEqual(texts, ['undefined', 'undefined', 'undefined']);
});

test("what hears of an abort is in its handler's context, whoever ends the server", async (t) => {
  const store = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const telemetry: Telemetry = {
    ...broken(''),
    server: () => ({
      connection: ({ number }) => ({
        transition: () => undefined,
        trailer: () => undefined,
        handle: (run, ...args) => store.run(`c${number}`, run, ...args),
        crashed: () => undefined,
      }),
    }),
  };
  const handler: Handler = async (incoming, { signal }) => {
    if ((await incoming.text()) === 'quit') return QUIT;
    signal.addEventListener('abort', () => seen.push(`signal of ${store.getStore()}`));
    return endless();
  };
  async function* endless() {
    yield 'begun';
    yield gate<string>().promise;
  }
  const { path, until } = await serving(t, handler, { drainTimeout: 1, telemetry });
  const answer = await request(path, 'mine');
  await until(({ event }) => event === 'ANSWER_STARTED');
  await (await request(path, 'quit')).text();
  await t.throwsAsync(answer.text());
  await eventually(() => seen.length > 0, 'the abort is heard');
  t.deepEqual(seen, ['signal of c1']);
});

test('nothing is kept of connections that are over', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const size = 2 ** 20;
  const { path, server, until } = await serving(t, async () => {
    await hold.promise;
    return Buffer.alloc(size);
  });
  const hold = gate();
  const asked = Array.from({ length: 30 }, async () => (await (await request(path)).bytes()).length);
  await until(({ event, actor }) => event === 'SLOT_GRANTED' && actor === 'c30');
  hold.resolve();
  await Promise.all(asked);
  await eventually(() => server.stats.open === 0, 'all have closed');
  await eventually(() => {
    collect();
    return process.memoryUsage().arrayBuffers < 5 * size;
  }, 'the answers are let go of');
  t.pass();
});

test('options that are nothing make a promise that is rejected, and throw nothing', async (t) => {
  const path = temporaryPath(t);
  const served = serve(path, () => 'pong', null as never);
  const asked = request(path, 'ping', null as never);
  await t.throwsAsync(served, { instanceOf: TypeError });
  await t.throwsAsync(asked, { instanceOf: TypeError });
});
