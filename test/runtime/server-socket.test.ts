import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Server, type Socket } from 'node:net';
import test from 'ava';
import * as fc from 'fast-check';
import { request, type Handler } from '../../src/index.ts';
import { message, packet, rawClient } from '../support/raw-client.ts';
import { eventually, gate, serving } from '../support/serving.ts';

/** Whether sockets are to be ordinary: ordinary-sockets.test.ts has this file again with those. */
const ordinary = process.env['SIMPLE_IPC_TEST_SOCKETS'] === 'ordinary' || process.platform === 'win32';

/** How many connections come by Node's own event while `ask` runs. */
async function connectionEvents(ask: () => Promise<unknown>): Promise<number> {
  let events = 0;
  // oxlint-disable-next-line typescript/unbound-method -- called with its server below
  const { emit } = Server.prototype;
  Server.prototype.emit = function (this: Server, event: string | symbol, ...args: unknown[]) {
    if (event === 'connection') events++;
    return Reflect.apply(emit, this, [event, ...args]);
  };
  try {
    await ask();
  } finally {
    Server.prototype.emit = emit;
  }
  return events;
}

test.serial('sockets are the kind that they should be', async (t) => {
  const { path } = await serving(t, (incoming) => incoming.text());
  t.is(await connectionEvents(() => request(path, 'x')), ordinary ? 1 : 0);
});

test.serial('whom Node.js tells of accepted sockets is told of each, and of its end', async (t) => {
  const { path } = await serving(t, (incoming) => incoming.text());
  const closed: Promise<unknown>[] = [];
  const onSocket = (told: unknown) => closed.push(once((told as { socket: Socket }).socket, 'close'));
  subscribe('net.server.socket', onSocket);
  t.teardown(() => unsubscribe('net.server.socket', onSocket));
  for (const sent of ['a', 'b']) t.is(await (await request(path, sent)).text(), sent);
  t.is(closed.length, 2);
  await Promise.all(closed);
});

/** When and how a handler reads its request. */
const WAYS: readonly Handler[] = [
  (incoming) => incoming.text(),
  (incoming) => incoming.bytes(),
  async (incoming) => {
    await new Promise((resolve) => setImmediate(resolve));
    return incoming.text();
  },
  async (incoming) => {
    await Promise.resolve();
    return incoming.bytes();
  },
  async function* (incoming) {
    yield* incoming;
  },
  async (incoming) => {
    const kept: Uint8Array[] = [];
    for await (const piece of incoming) kept.push(piece);
    // By now others have been read.
    await new Promise((resolve) => setImmediate(resolve));
    return Buffer.concat(kept);
  },
];

test('a request is what its client sent, however it is read, while others come through the same buffer', async (t) => {
  const { path } = await serving(
    t,
    (incoming, context) => {
      const way = WAYS[Number(context.connection.slice(1)) % WAYS.length] as Handler;
      return way(incoming, context);
    },
    { concurrency: 3 },
  );
  const length = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 5_000 }), fc.nat({ max: 200_000 }));
  await fc.assert(
    fc.asyncProperty(fc.array(length, { minLength: 2, maxLength: 12 }), async (lengths) => {
      const answers = await Promise.all(
        lengths.map(async (each, index) => {
          const sent = Buffer.alloc(each, `${index}:${each};`);
          return sent.equals(await (await request(path, sent)).bytes());
        }),
      );
      return answers.every((whole) => whole);
    }),
    { numRuns: 60 },
  );
  t.pass();
});

test('what a handler was given stays as it was', async (t) => {
  const kept: Uint8Array[] = [];
  const { path } = await serving(t, async (incoming) => {
    kept.push(await incoming.bytes());
  });
  for (const sent of ['first', 'other']) await request(path, sent);
  t.deepEqual(kept.map(String), ['first', 'other']);
});

test('a request that comes in pieces, between those of others, is whole', async (t) => {
  const { path } = await serving(t, (incoming) => incoming.text());
  const slow = await rawClient(path);
  const wire = packet('slowly') + packet(' but surely') + '0000';
  for (const piece of wire.match(/.{1,5}/g) as string[]) {
    slow.socket.write(piece);
    t.is(await (await request(path, '#'.repeat(60))).text(), '#'.repeat(60));
  }
  t.is(await slow.closed, message('slowly but surely'));
});

test('what an observer was shown stays as it was', async (t) => {
  const shown: Uint8Array[] = [];
  const { path } = await serving(t, () => 'answer', {
    telemetry: {
      server: () => ({
        connection: (connection) => ({
          transition(event) {
            if (event === 'SLOT_GRANTED') shown.push(connection.head());
          },
          trailer() {},
          handle: (run, ...args) => run(...args),
          crashed() {},
        }),
        ended() {},
      }),
      call: () => undefined,
    },
  });
  for (const sent of ['first', 'other']) await request(path, sent);
  t.deepEqual(shown.map(String), ['first', 'other']);
});

test('what comes behind a request is counted by what came, and not by what stands in the buffer', async (t) => {
  const open = gate();
  const { path, ended } = await serving(t, async (incoming) => {
    await incoming.text();
    await open.promise;
  });
  // The buffer is full of others' bytes.
  const filler = request(path, Buffer.alloc(60_000, 'x'));
  const client = await rawClient(path);
  client.socket.write(packet('x') + '0000!');
  for (let n = 0; n < 3; n++) {
    // Each is to be a read of its own.
    const other = await rawClient(path);
    other.socket.destroy();
    client.socket.write('!'.repeat(10));
  }
  open.resolve();
  await filler;
  t.is(await client.closed, '0000');
  t.is((await ended(2)).output.outcome, 'answered');
});

test('a client that does not read is closed with its server, in the middle of what is being written', async (t) => {
  const { path, server, ended } = await serving(t, () => Buffer.alloc(2 ** 21));
  const client = await rawClient(path, { reading: false });
  client.socket.write(packet('x') + '0000');
  await once(client.socket, 'readable');
  await server.close({ drainTimeout: 0 });
  t.is((await ended(1)).output.outcome, 'aborted');
  let bytes = 0;
  client.socket.on('data', (chunk) => (bytes += chunk.length));
  await client.closed;
  t.true(bytes < 2 ** 21, `${bytes} bytes`);
});

test.serial('its descriptor is closed with it, however it ends', async (t) => {
  const open = gate();
  const { path, server } = await serving(t, async (incoming) => {
    const asked = await incoming.text();
    if (asked === 'wait') await open.promise;
    return asked === 'much' ? Buffer.alloc(2 ** 21) : 'done';
  });
  const handles = () => process.getActiveResourcesInfo().filter((each) => each === 'PipeWrap').length;
  const before = handles();
  for (let n = 0; n < 20; n++) {
    await request(path, 'now');
    const ping = await rawClient(path);
    ping.socket.destroy();
    const garbage = await rawClient(path);
    garbage.socket.write('garbage');
    await garbage.closed;
    const unread = await rawClient(path, { reading: false });
    unread.socket.write(packet('much') + '0000');
    await once(unread.socket, 'readable');
    unread.socket.destroy();
    const half = await rawClient(path);
    half.socket.end(packet('now') + '0000');
    await half.closed;
    const gone = await rawClient(path);
    gone.socket.write(packet('wait') + '0000');
    await eventually(() => server.stats.running > 0, 'it runs');
    gone.socket.destroy();
    await eventually(() => server.stats.open === 0, 'all are closed');
  }
  open.resolve();
  await eventually(() => handles() <= before, 'their handles are gone');
  t.pass();
});
