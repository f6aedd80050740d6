// Both generators, each against real servers: what they count, and what they take for an error.
import { createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { generate } from '../../../bench/run/generate.ts';
import { startServer } from '../../../bench/run/start-server.ts';
import type { Load, RunningServer } from '../../../bench/types.ts';
import { peerTest, program } from '../../support/peers.ts';
import { rawServer } from '../../support/raw-server.ts';
import { temporaryPath } from '../../support/temporary.ts';

const PING: Load = {
  connections: 1,
  idle: 0,
  requestBytes: 4,
  answerBytes: 4,
  rate: 0,
  // A limit that `amount` comes before.
  duration: 20_000,
  amount: 3,
  warmUp: 0,
  readRate: 0,
  sleeps: false,
};

for (const kind of ['c', 'node'] as const) {
  const declare =
    kind === 'c'
      ? peerTest(program('cc', 'gcc'))
      : (title: string, run: (t: ExecutionContext) => Promise<void>) => test(title, run);
  const testWith = (title: string, run: (t: ExecutionContext) => Promise<void>) =>
    declare(`${kind}: ${title}`, (t) => inTurn(() => run(t)));

  testWith('counts what the server has served, without the warm-up', async (t) => {
    const floor = await started(t);
    const { errors, requests, counted, ...sample } = await generate(
      floor,
      { ...PING, connections: 4, duration: 150, amount: 0, warmUp: 50 },
      kind,
    );
    t.is(errors, 0);
    t.true(requests > 0);
    t.is(counted['served'], requests);
    t.true((await floor.counts())['served']! > requests);
    for (const histogram of [sample.connect, sample.firstByte, sample.lastByte])
      t.is(histogram.totalCount, requests);
    t.is(sample.bytesSent, 4 * requests);
    t.is(sample.bytesReceived, 4 * requests);
    t.true(sample.elapsed >= 150_000);
    t.true(sample.generatorBusy > 0 && sample.generatorBusy <= 1);
    if (process.platform !== 'linux') return;
    t.true(sample.serverCpu! > 0 && sample.serverThreadCpu! > 0);
    t.true(sample.serverCpu! >= sample.serverThreadCpu!);
    t.true(sample.rss!.peak >= sample.rss!.idle && sample.rss!.before > 0);
  });

  testWith('sends and takes messages of many packets', async (t) => {
    const sizes = { requestBytes: 40 * 65_516 + 1, answerBytes: 1_500_000 };
    const floor = await started(t, sizes);
    const sample = await generate(floor, { ...PING, ...sizes, connections: 2, amount: 6 }, kind);
    t.deepEqual(sample.errorKinds, {});
    t.is(sample.requests, 6);
    t.is(sample.bytesSent, 6 * sizes.requestBytes);
    t.is(sample.bytesReceived, 6 * sizes.answerBytes);
  });

  testWith('sends a request of full packets only, and one of nothing', async (t) => {
    const floor = await started(t);
    for (const requestBytes of [2 * 65_516, 0]) {
      const sample = await generate(floor, { ...PING, requestBytes }, kind);
      t.deepEqual([sample.requests, sample.errors], [3, 0]);
    }
  });

  testWith('an answer of another length is an error', async (t) => {
    const floor = await started(t, { answerBytes: 5 });
    const sample = await generate(floor, PING, kind);
    t.is(sample.requests, 0);
    t.deepEqual(sample.errorKinds, { 'an answer of another length': 3 });
  });

  testWith('an answer that comes byte by byte is whole', async (t) => {
    const path = await answering(t, (socket) => {
      for (const byte of '0006po0006ng0000') socket.write(byte);
    });
    const sample = await generate(at(path), PING, kind);
    t.deepEqual([sample.requests, sample.bytesReceived, sample.errors], [3, 12, 0]);
  });

  for (const [answer, problem] of [
    ['0008po', 'the answer is cut off'],
    ['0008pong', 'the answer is cut off'],
    ['', 'closed without an answer'],
    ['0008pong000g', 'the length of a packet is not in hex digits'],
    ['fff1', 'a packet of an impossible length'],
    ['0008pong0003', 'a packet of an impossible length'],
    ...(kind === 'c'
      ? [
          ['0008pong0001', 'the answer ends without a flush packet'],
          ['0008pong00000000', 'more came after the flush packet'],
        ]
      : []),
  ] as [string, string][])
    testWith(`'${answer}' is an error`, async (t) => {
      const path = await answering(t, (socket) => socket.end(answer));
      const sample = await generate(at(path), PING, kind);
      t.is(sample.requests, 0);
      t.is(sample.errors, 3);
      t.is(sample.lastByte.totalCount, 0);
      const isOurs = /^SIMPLE_IPC_(HUNG_UP|PROTOCOL_ERROR)$/;
      if (kind === 'c') t.deepEqual(sample.errorKinds, { [problem]: 3 });
      else t.true(Object.keys(sample.errorKinds).every((one) => isOurs.test(one)));
    });

  testWith('a connection that is reset is an error', async (t) => {
    // The kernel resets where a request was not read; what it is to the client depends on who is first.
    const path = await rawServer(t, (socket) => socket.destroy());
    const sample = await generate(at(path), PING, kind);
    t.deepEqual([sample.requests, sample.errors], [0, 3]);
  });

  testWith('nobody at the path is an error for each request', async (t) => {
    const { path, close } = await startServer('node:net', {
      requestBytes: 4,
      answerBytes: 4,
      otlp: undefined,
    });
    await close();
    const sample = await generate(at(path), PING, kind);
    t.deepEqual([sample.requests, sample.errors], [0, 3]);
  });

  testWith('an open loop makes as many requests as its rate says', async (t) => {
    const sample = await generate(
      await started(t),
      { ...PING, connections: 2, rate: 100, duration: 200, amount: 0 },
      kind,
    );
    t.deepEqual([sample.requests, sample.errors], [20, 0]);
    t.true(sample.elapsed >= 200_000);
  });

  testWith('an open loop counts from when a request was due', async (t) => {
    const stall = 300;
    let requests = 0;
    const path = await answering(t, (socket) => {
      const answer = () => socket.write('0008pong0000');
      if (requests++ === 0) setTimeout(answer, stall);
      else answer();
    });
    const sample = await generate(at(path), { ...PING, rate: 100, duration: 200, amount: 0 }, kind);
    t.deepEqual([sample.requests, sample.errors], [20, 0]);
    // The last was due 190 ms after the first, whose answer came later than that; all had to wait for it.
    t.true(sample.lastByte.minNonZeroValue >= (stall - 190) * 1_000);
    t.true(sample.connect.minNonZeroValue < stall * 1_000);
  });

  testWith('idle connections are open before the load, and stay open', async (t) => {
    const { path, silentAtRequests } = await watchingSilent(t, () => {});
    const sample = await generate(at(path), { ...PING, idle: 40 }, kind);
    t.deepEqual([sample.requests, sample.errors], [3, 0]);
    // The first makes sure that all idle ones are accepted, and is not counted.
    t.deepEqual(silentAtRequests, [40, 40, 40, 40]);
  });

  testWith('idle connections that the server closes are errors', async (t) => {
    const { path } = await watchingSilent(t, (silent) => {
      for (const socket of silent) socket.destroy();
    });
    const sample = await generate(at(path), { ...PING, idle: 40 }, kind);
    t.is(sample.requests, 3);
    t.deepEqual(sample.errorKinds, { 'an idle connection was closed': 40 });
  });

  testWith('slow clients take no more than they may', async (t) => {
    const sizes = { requestBytes: 4, answerBytes: 3_000_000 };
    const load = { ...PING, ...sizes, connections: 2, amount: 2, readRate: 10_000_000 };
    const sample = await generate(await started(t, sizes), load, kind);
    t.deepEqual([sample.requests, sample.errors], [2, 0]);
    // 290 ms at least; a client reads in steps.
    t.true(sample.lastByte.minNonZeroValue >= 290_000);
  });

  testWith('a load without a limit of time ends with its amount', async (t) => {
    const load = { ...PING, connections: 3, duration: 0, amount: 50 };
    const sample = await generate(await started(t), load, kind);
    t.deepEqual([sample.requests, sample.errors], [50, 0]);
    t.is(sample.counted['served'], 50);
  });

  testWith('a full backlog is waited for', async (t) => {
    const path = temporaryPath(t);
    const server = createServer((socket) => {
      socket.once('data', () => socket.end('0008pong0000')).on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen({ path, backlog: 1 }, resolve));
    t.teardown(() => server.close());
    const sample = await generate(at(path), { ...PING, connections: 20, amount: 60 }, kind);
    t.deepEqual([sample.requests, sample.errors], [60, 0]);
  });

  testWith('a generator that sleeps misses nothing', async (t) => {
    const sizes = { requestBytes: 40 * 65_516 + 1, answerBytes: 1_500_000 };
    const large = await started(t, sizes);
    for (const [server, load] of [
      [await started(t), { connections: 3, amount: 50 }],
      [await started(t), { connections: 2, rate: 500, amount: 50 }],
      [large, { ...sizes, connections: 2, amount: 6 }],
      [large, { ...sizes, connections: 2, amount: 6, readRate: 20_000_000 }],
    ] as const) {
      const { requests, errors } = await generate(server, { ...PING, ...load, sleeps: true }, kind);
      t.deepEqual([requests, errors], [load.amount, 0]);
    }
  });

  testWith('ends when it is told to', async (t) => {
    const floor = await started(t);
    const abort = new AbortController();
    const measured = generate({ ...floor, counts }, { ...PING, amount: 0 }, kind, abort.signal);
    // Asked when the load is about to begin.
    async function counts() {
      abort.abort(new Error('enough'));
      return floor.counts();
    }
    await t.throwsAsync(measured, { message: 'enough' });
  });
}

test('the generator in C is not for servers that do not speak pkt-line', async (t) => {
  const server = { ...at('/nowhere'), name: 'node:http' } as const;
  await t.throwsAsync(generate(server, PING, 'c'), { message: /node:http does not speak pkt-line/ });
});

test('what a generator says of its own failure is passed on', async (t) => {
  const load = { ...PING, connections: Number.NaN };
  await t.throwsAsync(generate(at('/nowhere'), load, 'node'), {
    message: /load generator ended with 1\. It said:[^]*at least one client/,
  });
});

let turn: Promise<unknown> = Promise.resolve();

/** One after the other: each generator in C takes a whole processor. */
function inTurn(run: () => Promise<void>): Promise<void> {
  const mine = turn.then(run);
  turn = mine.catch(() => {});
  return mine;
}

async function started(t: ExecutionContext, sizes: Partial<Load> = {}): Promise<RunningServer> {
  const { requestBytes, answerBytes } = { ...PING, ...sizes };
  const server = await startServer('node:net', { requestBytes, answerBytes, otlp: undefined });
  t.teardown(() => server.close());
  return server;
}

/** A server in this process. */
function at(path: string): RunningServer {
  return {
    name: 'node:net',
    version: '',
    connectionPerRequest: true,
    path,
    pid: process.pid,
    serviceName: undefined,
    counts: async () => ({}),
    close: async () => {},
  };
}

/** Answers each request, which comes as one chunk. */
function answering(t: ExecutionContext, answer: (socket: Socket) => void): Promise<string> {
  return rawServer(t, (socket) => {
    socket.once('data', () => answer(socket)).once('end', () => socket.end());
  });
}

/** Notes at each request how many connections have said nothing so far; after that does something to these. */
async function watchingSilent(t: ExecutionContext, act: (silent: Set<Socket>) => void) {
  const silent = new Set<Socket>();
  const silentAtRequests: number[] = [];
  const path = await rawServer(t, (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
    socket.once('end', () => socket.end());
    socket.once('data', () => {
      silent.delete(socket);
      silentAtRequests.push(silent.size);
      act(silent);
      socket.write('0008pong0000');
    });
  });
  return { path, silentAtRequests };
}
