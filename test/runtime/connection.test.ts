import test from 'ava';
import { request, type Handler, type IpcRequest } from '../../src/index.ts';
import { message, packet, rawClient } from '../support/raw-client.ts';
import { eventually, gate, serving } from '../support/serving.ts';

const MIB = 2 ** 20;
const text: Handler = (incoming) => incoming.text();

async function* slices(total: number, size = 65_536): AsyncGenerator<Buffer> {
  const slice = Buffer.alloc(size, 'z');
  for (let sent = 0; sent < total; sent += size) yield slice;
}

async function lengthOf(body: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const chunk of body) length += chunk.length;
  return length;
}

test('a request in pieces of any size, in packets of any size, is the same request', async (t) => {
  const { path } = await serving(t, text);
  const wire = Buffer.from(`${packet('hello ')}${packet('w')}${packet('orld')}0000`);
  for (const size of [1, 2, 3, 5, 7, 100]) {
    const client = await rawClient(path);
    for (let at = 0; at < wire.length; at += size) {
      client.socket.write(wire.subarray(at, at + size));
      // Each piece is to be a read of its own.
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.is(await client.closed, message('hello world'));
  }
});

test("git's other terminators end a request too", async (t) => {
  const { path } = await serving(t, text);
  for (const terminator of ['0000', '0001', '0002', '0004']) {
    const client = await rawClient(path);
    client.socket.write(packet('x') + terminator);
    t.is(await client.closed, message('x'));
  }
});

test('a ping is silent: no handler runs, and the outcome is its own', async (t) => {
  const { path, ended, server } = await serving(t, () => t.fail());
  const polite = await rawClient(path);
  polite.socket.end();
  t.is(await polite.closed, '');
  t.is((await ended(1)).output.outcome, 'pinged');
  const rude = await rawClient(path);
  rude.socket.destroy();
  t.is((await ended(2)).output.outcome, 'pinged');
  t.is(server.stats.ended.pinged, 2);
});

test('a half-close is no hang-up: the answer still comes', async (t) => {
  const open = gate();
  const { path, ended, until } = await serving(t, async (incoming) => {
    const asked = await incoming.text();
    await open.promise;
    return asked;
  });
  const client = await rawClient(path);
  client.socket.end(message('half'));
  await until(({ event }) => event === 'HALF_CLOSED');
  open.resolve();
  t.is(await client.closed, message('half'));
  t.is((await ended(1)).output.outcome, 'answered');
});

for (const when of ['at once', 'after a half-close']) {
  test(`a hang-up ${when} aborts the signal of a handler that is silent`, async (t) => {
    const reason = gate<{ code: string }>();
    const { path, ended, until, server } = await serving(t, async (_incoming, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      reason.resolve(signal.reason);
    });
    const client = await rawClient(path);
    client.socket.write(message('x'));
    await until(({ event }) => event === 'SLOT_GRANTED');
    if (when !== 'at once') {
      client.socket.end();
      await until(({ event }) => event === 'HALF_CLOSED');
    }
    client.socket.destroy();
    t.is((await ended(1)).output.outcome, 'hung-up');
    t.is((await reason.promise).code, 'SIMPLE_IPC_HUNG_UP');
    await eventually(() => server.stats.running === 0, 'the slot is free again');
  });
}

test('a hang-up is noticed while the server does not read: the window is full', async (t) => {
  const { path, ended, until } = await serving(
    t,
    (_incoming, { signal }) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
    { window: 1000 },
  );
  const client = await rawClient(path);
  client.socket.write(packet('x'.repeat(60_000)));
  await until(({ event }) => event === 'SLOT_GRANTED');
  client.socket.destroy();
  t.is((await ended(1)).output.outcome, 'hung-up');
});

test('a hang-up ends a generator at its yield, and an iterator by its return', async (t) => {
  const finished: string[] = [];
  const endless: AsyncIterableIterator<string> = {
    [Symbol.asyncIterator]: () => endless,
    next: () => new Promise(() => {}),
    return: async () => {
      finished.push('iterator');
      return { done: true, value: undefined };
    },
  };
  async function* generator() {
    try {
      for (;;) yield 'x'.repeat(10_000);
    } finally {
      finished.push('generator');
    }
  }
  const { path, ended, until, server } = await serving(t, async (incoming) =>
    (await incoming.text()) === 'generator' ? generator() : endless,
  );
  const silent = await rawClient(path);
  silent.socket.write(message('iterator'));
  await until(({ event }) => event === 'SLOT_GRANTED');
  silent.socket.destroy();
  t.is((await ended(1)).output.outcome, 'hung-up');
  t.deepEqual(finished, ['iterator']);
  const client = await rawClient(path, { reading: false });
  client.socket.write(message('generator'));
  await until(({ event }) => event === 'ANSWER_STARTED');
  client.socket.destroy();
  t.is((await ended(2)).output.outcome, 'hung-up');
  await eventually(() => finished.includes('generator'), 'the generator ends');
  // The iterator's `next` never settles, so its slot is never free: that is counted.
  await eventually(() => server.stats.running === 1, 'the slot of the generator is free');
  t.is(server.stats.abandoned, 1);
});

test('a client that leaves in the middle of its request is no request', async (t) => {
  const { path, ended } = await serving(t, () => t.fail());
  const client = await rawClient(path);
  client.socket.end(packet('half a request'));
  t.is(await client.closed, '');
  t.is((await ended(1)).output.outcome, 'hung-up');
});

test('garbage is closed without a word, with a reason, and the server goes on', async (t) => {
  const { path, ended } = await serving(t, text);
  const garbage = ['GET / HTTP/1.1\r\n\r\n', '0003', 'fff1', '00zz', `${packet('fine')}000g`];
  for (const [index, bytes] of garbage.entries()) {
    const client = await rawClient(path);
    client.socket.write(bytes);
    t.is(await client.closed, '');
    const { output, reason } = await ended(index + 1);
    t.is(output.outcome, 'protocol-error');
    t.regex(reason as string, /no pkt-line/);
  }
  t.is(await (await request(path, 'still here')).text(), 'still here');
});

test('what comes after the request is dropped, and too much of it is a protocol error', async (t) => {
  const open = gate();
  const { path, ended } = await serving(t, async (incoming) => {
    const asked = await incoming.text();
    if (asked === 'wait') await open.promise;
    return asked;
  });
  const little = await rawClient(path);
  little.socket.write(`${message('x')}${message('another')}`);
  t.is(await little.closed, message('x'));
  const much = await rawClient(path);
  much.socket.write(message('wait') + 'y'.repeat(65_537));
  t.is(await much.closed, '');
  t.is((await ended(2)).output.outcome, 'protocol-error');
  open.resolve();
});

test('maxRequestBytes refuses what is longer, and takes what is not', async (t) => {
  const { path, ended } = await serving(t, text, { maxRequestBytes: 5 });
  t.is(await (await request(path, '12345')).text(), '12345');
  await t.throwsAsync(request(path, '123456'), { code: 'SIMPLE_IPC_HUNG_UP' });
  const { output, reason } = await ended(2);
  t.is(output.outcome, 'limit');
  t.regex(reason as string, /maxRequestBytes \(5\)/);
});

test('a slow sender of a short request holds no slot', async (t) => {
  const { path, until } = await serving(t, text, { concurrency: 1 });
  const slow = await rawClient(path);
  slow.socket.write(packet('half').slice(0, 6));
  await until(({ actor, to }) => actor === 'c1' && to === 'reading-request');
  t.is(await (await request(path, 'quick')).text(), 'quick');
  slow.socket.write(`${packet('half').slice(6)}0000`);
  t.is(await slow.closed, message('half'));
});

test('a request that outgrows its window is handed over, says so, and streams in bounded memory', async (t) => {
  const { path, until, server } = await serving(t, async (incoming) => String(await lengthOf(incoming)));
  const total = 256 * MIB;
  let most = 0;
  const watched = (async function* () {
    for await (const slice of slices(total)) {
      most = Math.max(most, server.stats.bufferedBytes);
      yield slice;
    }
  })();
  t.is(await (await request(path, watched)).text(), String(total));
  t.true(most <= MIB + 65_536, `held ${most}`);
  t.is((await until(({ event }) => event === 'REQUEST_OUTGREW')).reason, 'window');
  t.is(server.stats.bufferedBytes, 0);
});

test('one budget bounds what all requests hold: beyond it they stream, and all are served', async (t) => {
  const budget = 4 * MIB;
  const { path, transitions, server } = await serving(
    t,
    async (incoming) => String((await incoming.bytes()).length),
    {
      maxBufferedBytes: budget,
      concurrency: 2,
    },
  );
  const size = 900_000;
  let most = 0;
  const watching = setInterval(() => (most = Math.max(most, server.stats.bufferedBytes)), 1);
  const answers = await Promise.all(
    Array.from({ length: 40 }, async () =>
      (await request(path, 'b'.repeat(size), { waitIfBusy: true })).text(),
    ),
  );
  clearInterval(watching);
  t.deepEqual(new Set(answers), new Set([String(size)]));
  t.true(most <= budget + 40 * 65_536, `held ${most}`);
  t.true(
    transitions.some(({ event, reason }) => event === 'REQUEST_OUTGREW' && reason === 'maxBufferedBytes'),
  );
  t.is(server.stats.bufferedBytes, 0);
});

test('an echoing handler and our client move 64 MiB both ways at once', async (t) => {
  const { path } = await serving(t, (incoming) => incoming, { readTimeout: 10_000, writeTimeout: 10_000 });
  t.is(await lengthOf(await request(path, slices(64 * MIB))), 64 * MIB);
});

test('an echoing handler and a client that writes all first end in a time-out, not a lock', async (t) => {
  const { path, ended, server } = await serving(t, (incoming) => incoming, {
    readTimeout: 100,
    writeTimeout: 100,
  });
  const client = await rawClient(path, { reading: false });
  const piece = packet('e'.repeat(60_000));
  for (let sent = 0; sent < 64 * MIB; sent += piece.length) client.socket.write(piece);
  const { output, reason } = await ended(1);
  t.is(output.outcome, 'timed-out');
  t.regex(reason as string, /writeTimeout/);
  await eventually(() => server.stats.running === 0 && server.stats.bufferedBytes === 0, 'all is free again');
});

test('a client that writes all first and then reads gets an answer of up to a window while it writes', async (t) => {
  const { path } = await serving(t, async function* (incoming: IpcRequest) {
    yield 'a'.repeat(900_000);
    yield String(await lengthOf(incoming));
  });
  const client = await rawClient(path, { reading: false });
  const piece = packet('e'.repeat(60_000));
  for (let sent = 0; sent < 8 * MIB; sent += piece.length) client.socket.write(piece);
  await new Promise<void>((resolve) => client.socket.write('0000', () => resolve()));
  client.socket.on('data', () => {}).resume();
  let received = 0;
  for await (const chunk of client.socket) received += (chunk as Buffer).length;
  t.true(received > 900_000);
});

test('what a handler leaves unread is drained, so that its client can finish and read the answer', async (t) => {
  const { path, ended } = await serving(t, () => 'enough');
  const client = await rawClient(path);
  const piece = packet('e'.repeat(60_000));
  for (let sent = 0; sent < 8 * MIB; sent += piece.length) client.socket.write(piece);
  client.socket.write('0000');
  t.is(await client.closed, message('enough'));
  t.is((await ended(1)).output.outcome, 'answered');
});

test('a slow reader holds the handler up, and not the memory', async (t) => {
  let produced = 0;
  const { path, until } = await serving(t, async function* () {
    for (; produced < 64; produced++) yield Buffer.alloc(MIB, 'p');
  });
  const client = await rawClient(path, { reading: false });
  client.socket.write(message('x'));
  await until(({ event }) => event === 'ANSWER_STARTED');
  // As long as nobody reads, it stays where the kernel's buffers are full.
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  t.true(produced < 8, `produced ${produced} MiB`);
  let received = 0;
  for await (const chunk of client.socket) received += (chunk as Buffer).length;
  t.true(received > 64 * MIB);
});

test('a handler that never pauses leaves the event loop its turn', async (t) => {
  const { path } = await serving(t, function* (incoming) {
    void incoming;
    for (;;) yield 'x'.repeat(1000);
  });
  const endless = await request(path, 'x');
  const reader = endless[Symbol.asyncIterator]();
  await reader.next();
  const other = await request(path, 'y');
  t.truthy(other);
  other.cancel();
  await reader.return?.();
});

test('reading a request too late is told, and never half of it', async (t) => {
  const late = gate<Promise<string>>();
  const { path, ended } = await serving(t, (incoming) => {
    void ended(1).then(() => late.resolve(incoming.text()));
    return 'early';
  });
  t.is(await (await request(path, 'unread')).text(), 'early');
  await t.throwsAsync(late.promise, { code: 'SIMPLE_IPC_ABORTED' });
});
