import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { request, serve, type Body, type Handler, type Message, type ServeOptions } from '../../src/index.ts';
import { methodOf } from '../../src/apps/tap/method.ts';
import { passOn } from '../../src/apps/tap/pass-on.ts';
import { isSameSocket } from '../../src/apps/tap/same-socket.ts';
import { tapHandler, type TappedRequest } from '../../src/apps/tap/tap.ts';
import { packet, rawClient } from '../support/raw-client.ts';
import { rawServer } from '../support/raw-server.ts';
import { eventually, gate, serving, within, type Serving } from '../support/serving.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';

/** A tap in front of a path, and what went through it. */
async function tapping(
  t: ExecutionContext,
  upstream: string,
  options: ServeOptions = {},
): Promise<Serving & { seen: TappedRequest[] }> {
  const seen: TappedRequest[] = [];
  const handler = tapHandler(upstream, { onRequest: (one) => seen.push(one) });
  return { ...(await serving(t, handler, options)), seen };
}

/** A server, and a tap in front of it, both of which begin with a request before it is whole. */
async function tapped(t: ExecutionContext, handler: Handler) {
  const upstream = await serving(t, handler, { window: 1 });
  return { upstream, tap: await tapping(t, upstream.path, { window: 1 }) };
}

/** Reads an answer until it holds `text`. */
async function readUntil(chunks: AsyncIterator<Uint8Array>, text: string): Promise<void> {
  let sofar = '';
  while (!sofar.includes(text)) {
    const { done, value } = await chunks.next();
    if (done === true) throw new Error(`The answer ended with ${JSON.stringify(sofar)}`);
    sofar += Buffer.from(value).toString('latin1');
  }
}

const MEBI = 2 ** 20;

for (const size of [0, 1, 65_515, 65_516, 65_517, 5 * MEBI]) {
  test(`${size} bytes each way come through as they are`, async (t) => {
    const question = randomBytes(size);
    const answer = randomBytes(size);
    let asked: Uint8Array | undefined;
    const { tap } = await tapped(t, async (incoming) => {
      asked = await incoming.bytes();
      return answer;
    });
    const answered = await (await request(tap.path, question)).bytes();
    t.is(Buffer.compare(asked as Uint8Array, question), 0);
    t.is(Buffer.compare(answered, answer), 0);
    t.like(tap.seen, { 0: { requestBytes: size, responseBytes: size }, length: 1 });
    t.is((await tap.ended(1)).output.outcome, 'answered');
  });
}

test('bytes that look like packets, or are no text, are bytes', async (t) => {
  const { tap } = await tapped(t, (incoming) => incoming);
  for (const text of ['0000', '0001', '\0', '0008ping0000', '\u00FF\u00FE\r\n'])
    t.is(await (await request(tap.path, text)).text(), text);
});

test('an answer comes through as it is made', async (t) => {
  const go = gate();
  const { tap } = await tapped(t, async function* () {
    yield 'first';
    await go.promise;
    yield 'second';
  });
  const response = await request(tap.path, 'x');
  const chunks = response[Symbol.asyncIterator]();
  await readUntil(chunks, 'first');
  go.resolve();
  await readUntil(chunks, 'second');
  t.true((await chunks.next()).done);
});

test('a request comes through as it is made, and the answer to its beginning goes back meanwhile', async (t) => {
  const { tap } = await tapped(t, (incoming) => incoming);
  const steps = [gate(), gate()] as const;
  async function* message() {
    yield 'first';
    await steps[0].promise;
    yield 'second';
    await steps[1].promise;
    yield 'third';
  }
  const response = await request(tap.path, message());
  const chunks = response[Symbol.asyncIterator]();
  await readUntil(chunks, 'first');
  steps[0].resolve();
  await readUntil(chunks, 'second');
  steps[1].resolve();
  await readUntil(chunks, 'third');
  t.true((await chunks.next()).done);
});

test('an answer that is complete before its request is needs no more of that', async (t) => {
  const upstream = await rawServer(t, (socket) =>
    socket.once('data', () => socket.end(`${packet('enough')}0000`)),
  );
  const tap = await tapping(t, upstream, { window: 1 });
  const client = await rawClient(tap.path);
  client.socket.write(packet('the first part'));
  await client.has('0000');
  t.is(client.received(), `${packet('enough')}0000`);
  client.socket.write('0000');
  await client.closed;
  t.is((await tap.ended(1)).output.outcome, 'answered');
});

test('32 MiB to a server that echoes are held nowhere', async (t) => {
  const upstream = await serving(t, (incoming) => incoming);
  const tap = await tapping(t, upstream.path);
  const piece = randomBytes(MEBI);
  let sent = 0;
  let received = 0;
  let most = 0;
  function* message() {
    for (let i = 0; i < 32; i++) {
      sent += piece.length;
      most = Math.max(most, sent - received);
      yield piece;
    }
  }
  let equal = true;
  for await (const chunk of await request(tap.path, message())) {
    for (let at = 0; at < chunk.length;) {
      const from = (received + at) % piece.length;
      const length = Math.min(chunk.length - at, piece.length - from);
      equal &&= Buffer.compare(chunk.subarray(at, at + length), piece.subarray(from, from + length)) === 0;
      at += length;
    }
    received += chunk.length;
  }
  t.true(equal);
  t.is(received, 32 * MEBI);
  t.like(tap.seen[0], { requestBytes: received, responseBytes: received });
  // A window in each direction in each of the three, what the kernel holds, and the piece at hand.
  t.true(most < 12 * MEBI, `${most} bytes were on their way`);
});

const hangUps: Record<string, { handler: (begun: () => void) => Handler; message: () => Message }> = {
  'before an answer': {
    handler: (begun) => async (incoming, context) => {
      await incoming.bytes();
      begun();
      return forEver(context.signal);
    },
    message: () => 'x',
  },
  'in the middle of an answer': {
    handler: (begun) =>
      async function* (_incoming, { signal }) {
        yield 'begun';
        begun();
        yield forEver(signal);
      },
    message: () => 'x',
  },
  'in the middle of its request': {
    handler: (begun) => async (incoming) => {
      for await (const chunk of incoming) if (chunk.length > 0) begun();
    },
    message: async function* () {
      yield 'begun';
      await new Promise(() => {});
    },
  },
};

/** Is over when the signal is. */
function forEver(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
}

for (const [when, { handler, message }] of Object.entries(hangUps)) {
  test(`a client that hangs up ${when} hangs up on the upstream`, async (t) => {
    const begun = gate();
    const { tap, upstream } = await tapped(t, handler(begun.resolve));
    const hangUp = new AbortController();
    const asked = request(tap.path, message(), { signal: hangUp.signal }).then((response) =>
      response.bytes(),
    );
    await within(begun.promise, 'the request did not come through');
    hangUp.abort();
    await t.throwsAsync(asked, { code: 'SIMPLE_IPC_ABORTED' });
    t.is((await upstream.ended(1)).output.outcome, 'hung-up');
    t.is((await tap.ended(1)).output.outcome, 'hung-up');
    await eventually(() => tap.server.stats.running === 0, 'the tap has ended the request');
  });
}

test('a tap that is stopped hangs up on the upstream', async (t) => {
  const begun = gate();
  const { tap, upstream } = await tapped(t, (_incoming, { signal }) => {
    begun.resolve();
    return forEver(signal);
  });
  const asked = request(tap.path, 'x');
  await within(begun.promise, 'the request did not come through');
  await tap.server.close({ drainTimeout: 0 });
  await t.throwsAsync(asked, { code: 'SIMPLE_IPC_HUNG_UP' });
  t.is((await upstream.ended(1)).output.outcome, 'hung-up');
});

test('a client that does not read holds the upstream up', async (t) => {
  let made = 0;
  const upstream = await serving(t, function* () {
    for (; made < 64; made++) yield Buffer.alloc(MEBI);
  });
  const tap = await tapping(t, upstream.path, { writeTimeout: 300 });
  const client = await rawClient(tap.path, { reading: false });
  client.socket.write(`${packet('x')}0000`);
  t.is((await tap.ended(1)).output.outcome, 'timed-out');
  t.true(made < 16, `${made} MiB were made`);
  t.is((await upstream.ended(1)).output.outcome, 'hung-up');
});

const failures: Record<string, { says: string; gets: string; reason: RegExp }> = {
  'hangs up at once': {
    says: '',
    gets: '',
    reason: /^The server at \S+ closed the connection before its answer was complete/u,
  },
  'hangs up in the middle of its answer': {
    says: packet('half'),
    gets: packet('half'),
    reason: /^The server at \S+ closed the connection before its answer was complete.* 4 bytes had come/u,
  },
  'hangs up in the middle of a packet': {
    says: '0008ha',
    // What has come of it.
    gets: packet('ha'),
    reason: /^The server at \S+ closed the connection before its answer was complete.* 2 bytes had come/u,
  },
  'does not speak Simple-IPC': {
    says: 'HTTP/1.1 400 Bad Request\r\n',
    gets: '',
    reason: /^What listens at \S+ does not speak Simple-IPC/u,
  },
};

for (const [what, { says, gets, reason }] of Object.entries(failures)) {
  test(`an upstream that ${what}: its client sees no end of an answer`, async (t) => {
    const upstream = await rawServer(t, (socket) => socket.once('data', () => socket.end(says)));
    const tap = await tapping(t, upstream);
    const client = await rawClient(tap.path);
    client.socket.write(`${packet('x')}0000`);
    t.is(await client.closed, gets);
    const { output, reason: told = '' } = await tap.ended(1);
    t.is(output.outcome, 'handler-failed');
    t.regex(told, reason);
    t.true(told.includes(upstream));
    await t.throwsAsync(async () => (await request(tap.path, 'x')).bytes(), { code: 'SIMPLE_IPC_HUNG_UP' });
  });
}

test('what an upstream has said is passed on before it hangs up later', async (t) => {
  const go = gate();
  const upstream = await rawServer(t, (socket) =>
    socket.once('data', () => {
      socket.write(packet('half'));
      void go.promise.then(() => socket.destroy());
    }),
  );
  const tap = await tapping(t, upstream);
  const client = await rawClient(tap.path);
  client.socket.write(`${packet('x')}0000`);
  await client.has(packet('half'));
  go.resolve();
  t.is(await client.closed, packet('half'));
});

test('an upstream that is missing fails the request, and may come later', async (t) => {
  const upstream = temporaryPath(t);
  const tap = await tapping(t, upstream);
  await t.throwsAsync(request(tap.path, 'x'), { code: 'SIMPLE_IPC_HUNG_UP' });
  const { output, reason = '' } = await tap.ended(1);
  t.is(output.outcome, 'handler-failed');
  t.is(reason, `There is nothing at ${upstream}. Start the server, or check the path.`);
  const server = await serve(upstream, (incoming) => incoming);
  t.teardown(() => server.close());
  t.is(await (await request(tap.path, 'again')).text(), 'again');
});

test('an upstream that refuses is waited for, as git waits', async (t) => {
  const directory = temporaryDirectory(t);
  const upstream = join(directory, 'upstream.sock');
  // A socket behind which nobody is: closing it takes away another name.
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(`${upstream}.old`, resolve));
  renameSync(`${upstream}.old`, upstream);
  await new Promise((resolve) => gone.close(resolve));

  const tap = await tapping(t, upstream);
  const asked = request(tap.path, 'x');
  await tap.until(({ event }) => event === 'SLOT_GRANTED');
  const server = await serve(upstream, () => 'at last');
  t.teardown(() => server.close());
  t.is(await (await asked).text(), 'at last');
});

test('an upstream in a place that strangers can write is not asked, unless it is said', async (t) => {
  const directory = join(temporaryDirectory(t), 'open');
  mkdirSync(directory);
  const server = await serve(join(directory, 'app.sock'), () => 'trust me');
  t.teardown(() => server.close());
  chmodSync(directory, 0o777);
  const careful = await tapping(t, server.path);
  await t.throwsAsync(request(careful.path, 'x'));
  t.regex((await careful.ended(1)).reason ?? '', /others|trust/iu);
  const bold = await serving(t, tapHandler(server.path, { allowUntrusted: true }));
  t.is(await (await request(bold.path, 'x')).text(), 'trust me');
});

test('what went through is counted as it goes, and named by its first word', async (t) => {
  const { tap } = await tapped(t, (incoming) => incoming);
  const go = gate();
  async function* message() {
    yield 'pi';
    await go.promise;
    yield 'ng and more';
  }
  const response = await request(tap.path, message());
  const chunks = response[Symbol.asyncIterator]();
  await readUntil(chunks, 'pi');
  const [seen] = tap.seen as [TappedRequest];
  t.like(seen, { connection: 'c1', method: 'pi', requestBytes: 2, responseBytes: 2 });
  go.resolve();
  await readUntil(chunks, 'ng and more');
  t.like(seen, { method: 'ping', requestBytes: 13, responseBytes: 13 });
});

// ---- Passing on.

/** A message whose pieces are given, and which is cut off by an error where there is one. */
function bodyOf(pieces: readonly string[], error?: Error): Body & { closed: boolean } {
  const body = {
    closed: false,
    [Symbol.asyncIterator]: () => {
      const rest = [...pieces];
      return {
        next: async (): Promise<IteratorResult<Uint8Array>> => {
          const value = rest.shift();
          if (value !== undefined) return { done: false, value: Buffer.from(value) };
          if (error !== undefined) throw error;
          return { done: true, value: undefined };
        },
        return: async (): Promise<IteratorResult<Uint8Array>> => {
          body.closed = true;
          return { done: true, value: undefined };
        },
      };
    },
  };
  return body as Body & { closed: boolean };
}

test('a message in one piece is passed on as bytes, an empty one as nothing, others in pieces', async (t) => {
  const seen: string[] = [];
  const see = (piece: Uint8Array) => void seen.push(Buffer.from(piece).toString());
  t.is(await passOn(bodyOf([]), see), undefined);
  t.deepEqual(await passOn(bodyOf(['whole']), see), Buffer.from('whole'));
  const several = (await passOn(bodyOf(['a', 'b', 'c']), see)) as AsyncIterable<Uint8Array>;
  t.deepEqual(seen, ['whole', 'a']);
  const got: string[] = [];
  for await (const piece of several) got.push(Buffer.from(piece).toString());
  t.deepEqual(got, ['a', 'b', 'c']);
  t.deepEqual(seen, ['whole', 'a', 'b', 'c']);
});

test('a message that is cut off is passed on up to there', async (t) => {
  const error = new Error('cut off');
  await t.throwsAsync(
    passOn(bodyOf([], error), () => {}),
    { is: error },
  );
  const half = (await passOn(bodyOf(['half'], error), () => {})) as AsyncIterable<Uint8Array>;
  const got: string[] = [];
  await t.throwsAsync(
    async () => {
      for await (const piece of half) got.push(Buffer.from(piece).toString());
    },
    { is: error },
  );
  t.deepEqual(got, ['half']);
});

test('a message that nobody wants any more is closed', async (t) => {
  const body = bodyOf(['a', 'b', 'c']);
  for await (const piece of (await passOn(body, () => {})) as AsyncIterable<Uint8Array>) {
    t.is(Buffer.from(piece).toString(), 'a');
    break;
  }
  t.true(body.closed);
});

// ---- Methods.

const methods: Record<string, readonly (string | Uint8Array)[]> = {
  ping: ['ping', 'ping pong', 'ping\nsecret', 'ping\0secret', 'ping '],
  flush: ['flush'],
  'get-url?!~': ['get-url?!~ x'],
  ['x'.repeat(32)]: ['x'.repeat(32), `${'x'.repeat(32)} y`],
  query: [
    'builtin:0.27187.20261122T080303.441507Z:0',
    'builtin:',
    '"builtin:0.1:2"',
    '1763800000000000000',
    '7',
  ],
  _OTHER: [
    '',
    ' ping',
    '\0',
    '\nping',
    'x'.repeat(33),
    `${'x'.repeat(33)} y`,
    'naïve',
    'ping\u001B[2J',
    'ping\tpong',
    'ping\r\n',
    'del\u007F',
    new Uint8Array([0xff, 0xfe]),
  ],
};

for (const [method, heads] of Object.entries(methods)) {
  test(`the method ${method}`, (t) => {
    for (const head of heads) {
      const all = Buffer.from(head);
      t.is(methodOf(all), method, JSON.stringify(head));
      t.is(methodOf(all.subarray(0, 33)), method, `the head of ${JSON.stringify(head)}`);
    }
  });
}

// ---- Paths.

test('two paths that lead to one socket, there or not', (t) => {
  const directory = temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  mkdirSync(at('real'));
  symlinkSync('real', at('linked'));
  symlinkSync('real/a', at('to-a'));
  symlinkSync('to-a', at('to-to-a'));
  symlinkSync('round', at('round'));
  const same = () => {
    t.true(isSameSocket(at('real/a'), at('real/a')));
    t.true(isSameSocket(at('real/a'), `${directory}/linked/../real//a`));
    t.true(isSameSocket(at('real/a'), at('linked/a')));
    t.true(isSameSocket(at('to-to-a'), at('linked/a')));
    t.false(isSameSocket(at('real/a'), at('real/b')));
    t.false(isSameSocket(at('to-a'), at('round')));
  };
  same();
  t.false(isSameSocket(at('no/where/a'), at('no/where/b')));
  writeFileSync(at('real/a'), '');
  writeFileSync(at('real/b'), '');
  same();
  linkSync(at('real/a'), at('hard'));
  t.true(isSameSocket(at('hard'), at('to-a')));
});
