import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { QUIT, request, type Handler, type SimpleIpcError, type Telemetry } from '../../src/index.ts';
import { peerTest, program } from '../support/peers.ts';
import { message, packet, rawClient } from '../support/raw-client.ts';
import { eventually, gate, serving, within } from '../support/serving.ts';

/** The longest line and the longest answer, in bytes. */
const MOST = 65_536;
const UNFRAMED = { unframed: true } as const;

const echo: Handler = async (incoming) => `<${await incoming.text()}>`;

async function* pieces(...chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}

for (const interpreted of [false, true]) {
  const how = interpreted ? ', interpreted' : '';

  test(`a line is a request, and its answer is bare bytes${how}`, async (t) => {
    const { path, ended, transitions } = await serving(t, echo, { ...UNFRAMED, interpreted });
    const client = await rawClient(path);
    client.socket.write('hook 2 token\n');
    t.is(await client.closed, '<hook 2 token>');
    t.is((await ended(1)).output.outcome, 'answered');
    t.deepEqual(
      transitions.filter(({ actor }) => actor === 'c1').map(({ to }) => to),
      ['listening', 'reading-request', 'dispatching', 'dispatching', 'streaming-response', 'closed'],
    );
  });

  test(`a line without its newline ends with the half-close${how}`, async (t) => {
    const { path, ended } = await serving(t, echo, { ...UNFRAMED, interpreted });
    const client = await rawClient(path);
    client.socket.end('hook 2 token');
    t.is(await client.closed, '<hook 2 token>');
    t.is((await ended(1)).output.outcome, 'answered');
  });
}

test('a line in pieces of one byte is the same request', async (t) => {
  const { path, until } = await serving(t, echo, UNFRAMED);
  const client = await rawClient(path);
  for (const [at, byte] of [...'hook: 0004 €\n'].entries()) {
    client.socket.write(byte);
    // The first is a read of its own, whatever the others are.
    if (at === 0) await until(({ event }) => event === 'BYTES');
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.is(Buffer.from(await client.closed, 'latin1').toString(), '<hook: 0004 €>');
});

test('an empty line is an empty request; a client without a word is still a ping', async (t) => {
  const { path, ended } = await serving(t, echo, UNFRAMED);
  const empty = await rawClient(path);
  empty.socket.write('\n');
  t.is(await empty.closed, '<>');
  const silent = await rawClient(path);
  silent.socket.end();
  t.is(await silent.closed, '');
  t.is((await ended(2)).output.outcome, 'pinged');
});

test('a newline is all that ends a line: no other byte is looked at', async (t) => {
  const { path } = await serving(t, echo, UNFRAMED);
  const client = await rawClient(path);
  client.socket.write('x\x000000\r\xff\n', 'latin1');
  // As UTF-8, of which 0xff is none.
  t.is(await client.closed, Buffer.from('<x\x000000\r\ufffd>').toString('latin1'));
});

test('a hex digit begins a pkt-line, and nothing else does', async (t) => {
  const { path, ended, server } = await serving(t, echo, UNFRAMED);
  let connections = 0;
  for (let byte = 0; byte < 256; byte++) {
    if (byte === 0x0a) continue;
    const client = await rawClient(path);
    client.socket.write(Buffer.from([byte, 0x7e, 0x0a]));
    const isDigit = /^[\da-f]$/i.test(String.fromCharCode(byte));
    t.is((await client.closed) === '', isDigit, `0x${byte.toString(16)}`);
    const { output } = await ended(++connections);
    t.is(output.outcome, isDigit ? 'protocol-error' : 'answered', `0x${byte.toString(16)}`);
  }
  t.is(server.stats.bufferedBytes, 0);
});

test('a line of 64 KiB is taken, one of a byte more is refused', async (t) => {
  const lengths: number[] = [];
  const { path, ended, server } = await serving(
    t,
    async (incoming) => {
      const { length } = await incoming.bytes();
      lengths.push(length);
      return String(length);
    },
    UNFRAMED,
  );
  const longest = await rawClient(path);
  longest.socket.write(`${'x'.repeat(MOST)}\n`);
  t.is(await longest.closed, String(MOST));
  for (const [index, end] of ['\n', ''].entries()) {
    const longer = await rawClient(path);
    longer.socket.write(`${'x'.repeat(MOST + 1)}${end}`);
    t.is(await longer.closed, '');
    const { output } = await ended(2 + index);
    t.is(output.outcome, 'limit');
    t.is((output.reason as SimpleIpcError).code, 'SIMPLE_IPC_LIMIT_EXCEEDED');
    t.regex((output.reason as Error).message, /line of more than 65536 bytes/);
  }
  t.deepEqual(lengths, [MOST]);
  t.is(server.stats.bufferedBytes, 0);
});

test('maxRequestBytes holds for a line, too', async (t) => {
  const { path, ended } = await serving(t, echo, { ...UNFRAMED, maxRequestBytes: 5 });
  const fits = await rawClient(path);
  fits.socket.write('x1234\n');
  t.is(await fits.closed, '<x1234>');
  const longer = await rawClient(path);
  longer.socket.write('x12345\n');
  t.is(await longer.closed, '');
  const { output } = await ended(2);
  t.is(output.outcome, 'limit');
  t.regex((output.reason as Error).message, /maxRequestBytes \(5\)/);
});

for (const end of ['newline', 'half-close']) {
  test(`a line longer than the window streams to its handler, to its ${end}`, async (t) => {
    const { path, ended, until } = await serving(t, echo, { ...UNFRAMED, window: 10 });
    const client = await rawClient(path);
    client.socket.write('x'.repeat(100));
    await until(({ event }) => event === 'SLOT_GRANTED');
    if (end === 'newline') client.socket.write('y\n');
    else client.socket.end('y');
    t.is(await client.closed, `<${'x'.repeat(100)}y>`);
    t.is((await ended(1)).output.outcome, 'answered');
  });
}

test('what stands behind the newline is dropped, as behind any request', async (t) => {
  const open = gate();
  const { path, ended, until } = await serving(
    t,
    async (incoming) => {
      await open.promise;
      return incoming.text();
    },
    UNFRAMED,
  );
  const flood = await rawClient(path);
  flood.socket.write(`x\n${'y'.repeat(MOST + 1)}`);
  t.is(await flood.closed, '');
  t.is((await ended(1)).output.outcome, 'protocol-error');

  const client = await rawClient(path);
  client.socket.write('one\ntwo\n');
  await until(({ actor, event }) => actor === 'c2' && event === 'SLOT_GRANTED');
  client.socket.write('0005x0000');
  open.resolve();
  t.is(await client.closed, 'one');
  t.is((await ended(2)).output.outcome, 'answered');
});

test('every kind of answer is sent as its bare bytes', async (t) => {
  const answers: Record<string, () => ReturnType<Handler>> = {
    text: () => 'grün',
    bytes: () => Buffer.from([0, 255, 0x0a]),
    'later text': async () => 'later',
    array: () => ['one', Buffer.from('two'), '', 'three'],
    generator: () => pieces('a', '', 'b', 'c'),
    'generator with one buffer': async function* () {
      const buffer = Buffer.alloc(3);
      for (const fill of 'xyz') yield buffer.fill(fill);
    },
    stream: () => new Response('streamed').body as ReadableStream<Uint8Array>,
    nothing: () => undefined,
    'no text': () => '',
  };
  const { path, ended } = await serving(
    t,
    async (incoming) => answers[(await incoming.text()).slice(1)]?.(),
    UNFRAMED,
  );
  const expected = [
    'gr\xc3\xbcn',
    '\0\xff\n',
    'later',
    'onetwothree',
    'abc',
    'xxxyyyzzz',
    'streamed',
    '',
    '',
  ];
  for (const [index, name] of Object.keys(answers).entries()) {
    const client = await rawClient(path);
    client.socket.write(`:${name}\n`);
    t.is(await client.closed, expected[index] as string, name);
    t.is((await ended(index + 1)).output.outcome, 'answered', name);
  }
});

test('an answer is held until it is whole', async (t) => {
  const open = gate();
  const { path, until, transitions } = await serving(
    t,
    async function* () {
      yield 'first ';
      await open.promise;
      yield 'last';
    },
    UNFRAMED,
  );
  const early = await rawClient(path);
  early.socket.write('x\n');
  await until(({ event }) => event === 'SLOT_GRANTED');
  // Another one's first piece comes at once, so this one's would have come by now.
  const framed = await rawClient(path);
  framed.socket.write('0005x0000');
  await framed.has('first ');
  t.is(early.received(), '');
  t.false(transitions.some(({ actor, event }) => actor === 'c1' && event === 'ANSWER_STARTED'));
  open.resolve();
  t.is(await early.closed, 'first last');
  t.is(await framed.closed, `${packet('first ')}${packet('last')}0000`);
});

test('an answer of 64 KiB is with the kernel in one write, though nobody reads; one of a byte more fails', async (t) => {
  const closed: string[] = [];
  const answers: Record<string, (length: number) => ReturnType<Handler>> = {
    text: (length) => 'z'.repeat(length),
    bytes: (length) => Buffer.alloc(length, 'z'),
    async *generator(length) {
      try {
        for (let sent = 0; sent < MOST; sent += MOST / 4) yield 'z'.repeat(MOST / 4);
        if (length > MOST) yield 'z';
        closed.push('went on');
      } finally {
        closed.push('ended');
      }
    },
  };
  const { path, ended } = await serving(
    t,
    async (incoming) => {
      const [kind, length] = (await incoming.text()).slice(1).split(' ');
      return answers[kind as string]?.(Number(length));
    },
    UNFRAMED,
  );
  let connections = 0;
  for (const kind of Object.keys(answers)) {
    const reading = await rawClient(path);
    reading.socket.write(`:${kind} ${MOST}\n`);
    t.is(await reading.closed, 'z'.repeat(MOST), kind);
    const idle = await rawClient(path, { reading: false });
    idle.socket.write(`:${kind} ${MOST}\n`);
    connections += 2;
    t.is((await ended(connections)).output.outcome, 'answered', kind);
    idle.socket.destroy();

    const above = await rawClient(path);
    above.socket.write(`:${kind} ${MOST + 1}\n`);
    t.is(await above.closed, '', kind);
    const { outcome, reason } = (await ended(++connections)).output;
    t.is(outcome, 'handler-failed', kind);
    t.like(reason?.cause, { code: 'SIMPLE_IPC_LIMIT_EXCEEDED' }, kind);
    t.regex(String(reason?.message), /longer than 65536 bytes.*context\.framed/);
    // It holds for the others alone.
    const framed = await (await request(path, `:${kind} ${MOST + 1}`)).text();
    t.is(framed.length, MOST + 1, kind);
    connections++;
  }
  t.deepEqual(closed, ['went on', 'ended', 'went on', 'ended', 'ended', 'went on', 'ended']);
});

for (const [when, handler] of Object.entries<Handler>({
  'at once': () => {
    throw new Error('broken');
  },
  'after two pieces': async function* () {
    yield 'half ';
    yield 'an answer';
    throw new Error('broken');
  },
})) {
  test(`a handler that throws ${when} sends not a byte`, async (t) => {
    const { path, ended } = await serving(t, handler, UNFRAMED);
    const client = await rawClient(path);
    client.socket.write('x\n');
    t.is(await client.closed, '');
    const { output } = await ended(1);
    t.is(output.outcome, 'handler-failed');
    t.is((output.reason as Error).message, 'broken');
  });
}

for (const when of ['at once', 'after a half-close']) {
  test(`a hang-up ${when} aborts the signal`, async (t) => {
    const reason = gate<{ code: string }>();
    const { path, ended, until, server } = await serving(
      t,
      async function* (_incoming, { signal }) {
        yield 'held';
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reason.resolve(signal.reason);
      },
      UNFRAMED,
    );
    const client = await rawClient(path);
    if (when === 'at once') client.socket.write('x\n');
    else client.socket.end('x');
    await until(({ event }) => event === (when === 'at once' ? 'SLOT_GRANTED' : 'HALF_CLOSED'));
    client.socket.destroy();
    t.is((await ended(1)).output.outcome, 'hung-up');
    t.is((await within(reason.promise, 'the signal aborts')).code, 'SIMPLE_IPC_HUNG_UP');
    await eventually(() => server.stats.running === 0, 'the slot is free again');
  });
}

test('a line that its client left in the middle of is no request', async (t) => {
  const { path, ended, until } = await serving(t, () => t.fail(), UNFRAMED);
  const client = await rawClient(path);
  client.socket.write('remove x');
  await until(({ event }) => event === 'BYTES');
  client.socket.destroy();
  t.is((await ended(1)).output.outcome, 'hung-up');
});

test('a line that does not go on is timed out', async (t) => {
  const { path, ended } = await serving(t, () => t.fail(), { ...UNFRAMED, readTimeout: 50 });
  const client = await rawClient(path);
  client.socket.write('never ');
  t.is(await client.closed, '');
  const { output } = await ended(1);
  t.is(output.outcome, 'timed-out');
  t.regex((output.reason as Error).message, /readTimeout/);
});

test('QUIT answers, and the server ends', async (t) => {
  const { path, server, ended } = await serving(
    t,
    async function* () {
      yield 'going';
      return QUIT;
    },
    UNFRAMED,
  );
  const client = await rawClient(path);
  client.socket.write('quit\n');
  t.is(await client.closed, 'going');
  t.is((await within(server.closed, 'the server ends')).reason, 'quit');
  t.is((await ended(1)).output.outcome, 'answered');
});

test('a server that drains waits for a line that has begun, and for its answer', async (t) => {
  const open = gate();
  const { path, server, until } = await serving(
    t,
    async (incoming) => {
      const asked = await incoming.text();
      await open.promise;
      return asked;
    },
    UNFRAMED,
  );
  const running = await rawClient(path);
  running.socket.write('running\n');
  await until(({ actor, event }) => actor === 'c1' && event === 'SLOT_GRANTED');
  const begun = await rawClient(path);
  begun.socket.write('not ');
  await until(({ actor, event }) => actor === 'c2' && event === 'BYTES');
  const closing = server.close();
  await until(({ machine, to }) => machine === 'pool' && to === 'draining');
  begun.socket.write('yet\n');
  open.resolve();
  t.is(await running.closed, 'running');
  t.is(await begun.closed, 'not yet');
  await closing;
});

test('a handler knows whom it answers, and a framed client is answered as ever', async (t) => {
  const framed: boolean[] = [];
  const { path } = await serving(
    t,
    async (incoming, context) => {
      framed.push(context.framed);
      return incoming.text();
    },
    UNFRAMED,
  );
  t.is(await (await request(path, 'hook 2 token\n')).text(), 'hook 2 token\n');
  const client = await rawClient(path);
  client.socket.write('hook 2 token\n');
  t.is(await client.closed, 'hook 2 token');
  const raw = await rawClient(path);
  raw.socket.end(message('raw'));
  t.is(await raw.closed, message('raw'));
  const half = await rawClient(path);
  half.socket.end('0005');
  t.is(await half.closed, '');
  t.deepEqual(framed, [true, false, true]);
});

test('without the option a line is a protocol error', async (t) => {
  const { path, ended } = await serving(t, (_incoming, { framed }) => String(framed));
  const client = await rawClient(path);
  client.socket.write('hook 2 token\n');
  t.is(await client.closed, '');
  const { output } = await ended(1);
  t.is(output.outcome, 'protocol-error');
  t.is((output.reason as SimpleIpcError).code, 'SIMPLE_IPC_PROTOCOL_ERROR');
  t.is(await (await request(path)).text(), 'true');
});

test('telemetry is told the sizes, the head and the outcome; there are no packets', async (t) => {
  const told: unknown[] = [];
  const heads: string[] = [];
  const telemetry: Telemetry = {
    server: () => ({
      connection: (connection) => ({
        transition(event, _to, _at, output) {
          if (event === 'REQUEST_COMPLETE') heads.push(Buffer.from(connection.head()).toString());
          if (output === undefined) return;
          const { requestBytes, requestPackets, responseBytes, responsePackets } = connection;
          told.push([output.outcome, requestBytes, requestPackets, responseBytes, responsePackets]);
        },
        trailer: (data) => told.push(data),
        handle: (run, ...args) => run(...args),
        crashed: (error) => told.push(error),
      }),
    }),
    call: () => undefined,
  };
  const { path, ended } = await serving(t, () => ['to', 'ken'], { ...UNFRAMED, telemetry });
  const client = await rawClient(path);
  client.socket.write(`hook\n${packet('x=y')}0000`);
  t.is(await client.closed, 'token');
  await ended(1);
  t.deepEqual(heads, ['hook']);
  t.deepEqual(told, [['answered', 4, 0, 5, 0]]);
});

for (const [name, debianPackage, args] of [
  ['nc', 'netcat-openbsd', ['-N', '-U']],
  ['socat', 'socat', ['-t5', '-']],
] as const) {
  for (const [how, line] of [
    ['a line', 'hook 2 token\n'],
    ['a line without its newline', 'hook 2 token'],
  ] as const) {
    peerTest(program(name, debianPackage))(
      `${name} sends ${how}, and prints the answer`,
      async (t, { bin }) => {
        const { path, ended } = await serving(
          t,
          async (incoming, { framed }) => [await incoming.text(), `\0/\0 ${framed} `, 'z'.repeat(50_000)],
          UNFRAMED,
        );
        const child = spawn(bin, [...args, name === 'nc' ? path : `UNIX-CONNECT:${path}`], {
          stdio: ['pipe', 'pipe', 'inherit'],
        });
        t.teardown(() => child.kill('SIGKILL'));
        child.stdin.end(line);
        let answer = '';
        child.stdout.setEncoding('latin1').on('data', (text: string) => (answer += text));
        const [exitCode] = await within(once(child, 'close'), `${name} ends`);
        t.is(answer, `hook 2 token\0/\0 false ${'z'.repeat(50_000)}`);
        t.is(exitCode, 0);
        t.is((await ended(1)).output.outcome, 'answered');
      },
    );
  }
}
