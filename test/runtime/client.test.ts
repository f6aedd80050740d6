import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { request, serve } from '../../src/index.ts';
import { makeBusy } from '../support/busy.ts';
import { message, packet } from '../support/raw-client.ts';
import { rawServer } from '../support/raw-server.ts';
import { eventually, gate, serving } from '../support/serving.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';

const MIB = 2 ** 20;

test('a message of every kind is sent', async (t) => {
  const { path } = await serving(t, (incoming) => incoming.text());
  const echo = async (sent?: Parameters<typeof request>[1]) => (await request(path, sent)).text();
  t.is(await echo(), '');
  t.is(await echo(''), '');
  t.is(await echo('größe'), 'größe');
  t.is(await echo(Buffer.from('bytes')), 'bytes');
  t.is(await echo(['a', '', Buffer.from('b')]), 'ab');
  t.is(await echo(ReadableStream.from(['s', 't'])), 'st');
  t.is(
    await echo(
      (async function* () {
        yield 'one ';
        await Promise.resolve();
        yield 'two';
      })(),
    ),
    'one two',
  );
  t.is(await echo('l'.repeat(200_000)), 'l'.repeat(200_000));
});

test('an answer is there as soon as its first byte is, and comes as it is made', async (t) => {
  const more = gate();
  const { path } = await serving(t, async function* () {
    yield 'first';
    await more.promise;
    yield 'second';
  });
  const answer = await request(path);
  const chunks = answer[Symbol.asyncIterator]();
  t.is(String((await chunks.next()).value), 'first');
  more.resolve();
  t.is(String((await chunks.next()).value), 'second');
  t.true((await chunks.next()).done);
});

test('answers that are read later, when others have come, are what was sent', async (t) => {
  const { path } = await serving(t, (incoming) => incoming.text());
  const sent = ['a', 'b', 'c'].map((letter) => letter.repeat(3_000));
  const answers = await Promise.all(sent.map((each) => request(path, each)));
  t.deepEqual(await Promise.all(answers.map((answer) => answer.text())), sent);
});

test('an answer can be read once', async (t) => {
  const { path } = await serving(t, () => 'x');
  const answer = await request(path);
  t.is(await answer.text(), 'x');
  await t.throwsAsync(answer.text(), { code: 'SIMPLE_IPC_BODY_USED' });
  await t.throwsAsync(answer.bytes(), { code: 'SIMPLE_IPC_BODY_USED' });
});

test('an answer that is cut off is an error, wherever it is read, and never a short answer', async (t) => {
  const path = await rawServer(t, (socket) => socket.end(`${packet('half')}`));
  for (const read of ['text', 'bytes'] as const) {
    await t.throwsAsync(
      request(path).then((answer): Promise<unknown> => answer[read]()),
      { code: 'SIMPLE_IPC_HUNG_UP', message: /of it, 4 bytes had come/ },
    );
  }
  const seen: string[] = [];
  await t.throwsAsync(
    (async () => {
      for await (const chunk of await request(path)) seen.push(String(chunk));
    })(),
    { code: 'SIMPLE_IPC_HUNG_UP' },
  );
  t.deepEqual(seen, ['half']);
});

test('an answer cut off anywhere in its framing is an error; a bare terminator is an empty answer', async (t) => {
  const whole = `${packet('abc')}0000`;
  for (let length = 0; length < whole.length; length++) {
    const path = await rawServer(t, (socket) => socket.end(whole.slice(0, length)));
    await t.throwsAsync(
      request(path).then((answer) => answer.text()),
      { code: 'SIMPLE_IPC_HUNG_UP' },
    );
  }
  for (const terminator of ['0000', '0001', '0002', '0004']) {
    const path = await rawServer(t, (socket) => socket.end(terminator));
    t.is(await (await request(path)).text(), '');
  }
});

test('something that does not speak pkt-line is told as such', async (t) => {
  const path = await rawServer(t, (socket) => socket.end('HTTP/1.1 200 OK\r\n'));
  await t.throwsAsync(request(path), {
    code: 'SIMPLE_IPC_PROTOCOL_ERROR',
    message: /does not speak Simple-IPC.*'H'/,
  });
});

test('a complete answer is kept, whatever comes after', async (t) => {
  const answer = packet('a'.repeat(60_000)).repeat(3);
  const path = await rawServer(t, (socket) => {
    // Closing with the request unread makes the kernel reset the connection behind the answer.
    socket.pause();
    socket.write(`${answer}0000`, () => socket.destroy());
  });
  for (let round = 0; round < 20; round++) {
    const read = await (await request(path, 'never read')).text();
    t.is(read.length, 180_000);
  }
});

test('a complete answer is kept though the request could not be sent to its end', async (t) => {
  const path = await rawServer(t, (socket) => {
    socket.once('data', () => {
      socket.pause();
      socket.write(message('enough'), () => socket.destroy());
    });
  });
  async function* endless() {
    for (;;) yield Buffer.alloc(60_000);
  }
  for (let round = 0; round < 20; round++) t.is(await (await request(path, endless())).text(), 'enough');
});

test('the tail of a complete answer is kept for a slow reader, after a reset too', async (t) => {
  const path = await rawServer(t, (socket) => {
    socket.pause();
    for (let n = 0; n < 40; n++) socket.write(packet(String(n % 10).repeat(60_000)));
    socket.write('0000', () => socket.destroy());
  });
  for (let round = 0; round < 5; round++) {
    let length = 0;
    for await (const chunk of await request(path, 'x')) {
      length += chunk.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.is(length, 2_400_000);
  }
});

test('a slow reader of a long answer holds the server up, and not the memory', async (t) => {
  let produced = 0;
  const { path } = await serving(t, async function* () {
    for (; produced < 64; produced++) yield Buffer.alloc(MIB);
  });
  const answer = await request(path);
  const reader = answer[Symbol.asyncIterator]();
  await reader.next();
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  t.true(produced < 8, `produced ${produced}`);
  let length = 0;
  for (let step = await reader.next(); step.done !== true; step = await reader.next())
    length += step.value.length;
  t.true(length > 60 * MIB);
});

test('what a message throws ends the request, and the server sees no request', async (t) => {
  const { path, ended } = await serving(t, () => t.fail(), { window: 2 ** 24 });
  const broken = (async function* () {
    yield 'half';
    throw new Error('no more');
  })();
  await t.throwsAsync(request(path, broken), { message: 'no more' });
  t.is((await ended(1)).output.outcome, 'hung-up');
  await t.throwsAsync(request(path, 7 as never), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
  await t.throwsAsync(request(path, [7] as never), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
});

test('leaving the iteration, cancelling and disposing close the connection', async (t) => {
  const { path, ended } = await serving(t, async function* (_incoming, { signal }) {
    while (!signal.aborted) yield 'x'.repeat(1000);
  });
  for await (const chunk of await request(path)) {
    t.true(chunk.length > 0);
    break;
  }
  t.is((await ended(1)).output.outcome, 'hung-up');
  const cancelled = await request(path);
  cancelled.cancel();
  await ended(2);
  await t.throwsAsync(cancelled.text(), { code: 'SIMPLE_IPC_ABORTED' });
  {
    await using disposed = await request(path);
    t.truthy(disposed);
  }
  await ended(3);
});

test('nothing there, nobody there, nothing of the kind there', async (t) => {
  const directory = temporaryDirectory(t);
  await t.throwsAsync(request(join(directory, 'missing')), { code: 'SIMPLE_IPC_PATH_NOT_FOUND' });
  const file = join(directory, 'file');
  writeFileSync(file, '');
  await t.throwsAsync(request(file), { code: 'SIMPLE_IPC_INVALID_PATH' });
  await t.throwsAsync(request(join(file, 'below')), { code: 'SIMPLE_IPC_PATH_NOT_FOUND' });
  await t.throwsAsync(request(''), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
});

test.serial('a time-out counts time without progress, in waiting for the answer and within it', async (t) => {
  const silent = await rawServer(t, (socket) => socket.resume());
  await t.throwsAsync(request(silent, 'x', { timeout: 30 }), {
    code: 'SIMPLE_IPC_TIMED_OUT',
    message: /30 ms while its answer was awaited/,
  });
  const stalls = await rawServer(t, (socket) => socket.write(packet('x')));
  const answer = await request(stalls, 'x', { timeout: 30 });
  await t.throwsAsync(answer.text(), { code: 'SIMPLE_IPC_TIMED_OUT' });
  const deaf = await rawServer(t, (socket) => socket.pause());
  await t.throwsAsync(request(deaf, Buffer.alloc(4 * MIB), { timeout: 30 }), {
    code: 'SIMPLE_IPC_TIMED_OUT',
    message: /while the request was being sent/,
  });
  const trickle = await rawServer(t, (socket) => {
    let sent = 0;
    const timer = setInterval(() => {
      if (++sent <= 10) socket.write(packet('x'));
      else {
        clearInterval(timer);
        socket.end('0000');
      }
    }, 20);
  });
  t.is(await (await request(trickle, 'x', { timeout: 120 })).text(), 'xxxxxxxxxx');
});

test.serial("the time in which an answer waits for its reader is not the server's", async (t) => {
  const { path } = await serving(t, () => Buffer.alloc(8 * MIB), { writeTimeout: 0 });
  const answer = await request(path, 'x', { timeout: 40 });
  const stalled = await rawServer(t, (socket) => socket.resume());
  // Another request of the same time-out runs out meanwhile, twice.
  for (let n = 0; n < 2; n++) await t.throwsAsync(request(stalled, 'x', { timeout: 40 }));
  t.is((await answer.bytes()).length, 8 * MIB);
});

test.serial('a deadline is for everything together', async (t) => {
  const { path } = await serving(t, async function* (_incoming, { signal }) {
    while (!signal.aborted) {
      yield 'x';
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  await t.throwsAsync(
    request(path, 'x', { deadline: 60 }).then((answer) => answer.text()),
    { code: 'SIMPLE_IPC_DEADLINE_EXCEEDED' },
  );
  await t.throwsAsync(request(temporaryPath(t), 'x', { deadline: 60, waitIfMissing: 60_000 }), {
    code: 'SIMPLE_IPC_DEADLINE_EXCEEDED',
  });
});

test('a signal ends a request at any point', async (t) => {
  const path = await rawServer(t, (socket) => socket.write(packet('x')));
  const code = 'SIMPLE_IPC_ABORTED';
  await t.throwsAsync(request(path, 'x', { signal: AbortSignal.abort() }), { code });
  const atOnce = new AbortController();
  const asking = request(path, 'x', { signal: atOnce.signal });
  atOnce.abort();
  await t.throwsAsync(asking, { code });
  const whileReading = new AbortController();
  const answer = await request(path, 'x', { signal: whileReading.signal });
  const text = answer.text();
  whileReading.abort(new Error('enough'));
  const error = await t.throwsAsync(text, { code });
  t.is(String(error?.cause), 'Error: enough');
  const whileWaiting = new AbortController();
  const waiting = request(temporaryPath(t), 'x', { signal: whileWaiting.signal, waitIfMissing: 60_000 });
  whileWaiting.abort();
  await t.throwsAsync(waiting, { code });
});

test('waitIfMissing waits for a server that is just starting', async (t) => {
  const path = temporaryPath(t);
  const answer = request(path, 'x', { waitIfMissing: 20_000 });
  const server = await serve(path, () => 'late');
  t.teardown(() => server.close());
  t.is(await (await answer).text(), 'late');
});

test('waitIfMissing waits behind a socket that a dead server left', async (t) => {
  const path = temporaryPath(t);
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(`${path}.staging`, resolve));
  const { renameSync } = await import('node:fs');
  renameSync(`${path}.staging`, path);
  await new Promise((resolve) => dead.close(resolve));
  await t.throwsAsync(request(path, 'x'), { code: 'SIMPLE_IPC_NOT_LISTENING' });
  const answer = request(path, 'x', { waitIfMissing: 20_000 });
  const server = await serve(path, () => 'replaced');
  t.teardown(() => server.close());
  t.is(await (await answer).text(), 'replaced');
});

test('the waits have an end, and a busy server is told from a missing one', async (t) => {
  await t.throwsAsync(request(temporaryPath(t), 'x', { waitIfMissing: 20 }), {
    code: 'SIMPLE_IPC_PATH_NOT_FOUND',
  });
  await t.throwsAsync(request(temporaryPath(t), 'x', { waitIfBusy: true }), {
    code: 'SIMPLE_IPC_PATH_NOT_FOUND',
  });
  const path = temporaryPath(t);
  await makeBusy(t, path);
  await t.throwsAsync(request(path, 'x'), { code: 'SIMPLE_IPC_BUSY' });
  await t.throwsAsync(request(path, 'x', { waitIfMissing: true }), { code: 'SIMPLE_IPC_BUSY' });
  await t.throwsAsync(request(path, 'x', { waitIfBusy: 60 }), { code: 'SIMPLE_IPC_BUSY' });
});

test('it asks once: a request of which a byte was written is not sent again', async (t) => {
  let asked = 0;
  const path = await rawServer(t, (socket) => {
    asked++;
    socket.once('data', () => socket.destroy());
  });
  await t.throwsAsync(request(path, 'x', { waitIfBusy: 2000, waitIfMissing: 2000 }), {
    code: 'SIMPLE_IPC_HUNG_UP',
  });
  t.is(asked, 1);
});

test('a connection that is closed before anything was written is tried again, where waiting was asked for', async (t) => {
  let asked = 0;
  // This server is of the same process and takes its turn before the client's, so it closes before the client writes.
  const path = await rawServer(t, (socket) => {
    if (++asked % 3 !== 0) socket.destroy();
    else socket.once('data', () => socket.end(message('third')));
  });
  await t.throwsAsync(request(path, 'x'), {
    code: 'SIMPLE_IPC_BUSY',
    message: /before anything was sent/,
  });
  async function* once() {
    yield 'x';
  }
  t.is(await (await request(path, once(), { waitIfBusy: 5000 })).text(), 'third');
});

test('a refusal that comes a moment after the connection is waited out before anything is sent', async (t) => {
  let asked = 0;
  const path = await rawServer(t, (socket) => {
    // A client that does not wait for that has written by then.
    if (++asked < 3) setImmediate(() => socket.destroy());
    else socket.once('data', () => socket.end(message('third')));
  });
  t.is(await (await request(path, 'x', { waitIfBusy: 10_000 })).text(), 'third');
  t.is(asked, 3);
});

test('a server that has too many connections is waited for, and asked once', async (t) => {
  const release = gate();
  const asked: string[] = [];
  const { path, server } = await serving(
    t,
    async (incoming) => {
      asked.push(await incoming.text());
      if (asked.length === 1) await release.promise;
      return 'answer';
    },
    { maxConnections: 1 },
  );
  const slow = request(path, 'slow');
  await eventually(() => asked.length === 1, 'the slow one runs');
  const waiting = request(path, 'x', { waitIfBusy: 10_000 });
  await eventually(() => server.stats.refused > 1, 'it was refused, and came again');
  release.resolve();
  t.is(await (await slow).text(), 'answer');
  t.is(await (await waiting).text(), 'answer');
  t.deepEqual(asked, ['slow', 'x']);
});

/** Refuses as one that has too many connections does, but after the request has come. */
async function refusingLate(t: ExecutionContext, times: number) {
  let asked = 0;
  const path = temporaryPath(t);
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    if (++asked > times) {
      socket.once('data', () => socket.end(message('answer'))).resume();
      return;
    }
    // With something in it that is not read, it is reset.
    setTimeout(() => socket.destroy(), 50);
  });
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { path, asked: () => asked };
}

test('an idempotent request that is reset is repeated as long as a busy server is waited for', async (t) => {
  const late = await refusingLate(t, 6);
  t.is(await (await request(late.path, 'x', { idempotent: true, waitIfBusy: 10_000 })).text(), 'answer');
  t.is(late.asked(), 7);
  const unsaid = await refusingLate(t, 1);
  await t.throwsAsync(request(unsaid.path, 'x', { waitIfBusy: 10_000 }), {
    code: 'SIMPLE_IPC_HUNG_UP',
    message: /ask again only where that may be done twice \(idempotent\)/,
  });
  t.is(unsaid.asked(), 1);
});

test('one whose handler fails is not: three times', async (t) => {
  let asked = 0;
  const path = await rawServer(t, (socket) => {
    asked++;
    socket.once('data', () => socket.destroy());
  });
  await t.throwsAsync(request(path, 'x', { idempotent: true, waitIfBusy: 10_000 }), {
    code: 'SIMPLE_IPC_HUNG_UP',
  });
  t.is(asked, 4);
});

test('a socket in a directory that strangers can write is not sent to, unless that is allowed', async (t) => {
  const path = join(temporaryDirectory(t), 'open', 'test.sock');
  mkdirSync(dirname(path));
  const server = await serve(path, () => 'x');
  t.teardown(() => server.close());
  chmodSync(dirname(path), 0o777);
  await t.throwsAsync(request(path, 'secret'), {
    code: 'SIMPLE_IPC_UNTRUSTED_PATH',
    message: /allowUntrusted/,
  });
  t.is(server.stats.accepted, 0);
  t.is(await (await request(path, 'x', { allowUntrusted: true })).text(), 'x');
  chmodSync(dirname(path), 0o1777);
  t.is(await (await request(path, 'x')).text(), 'x');
  const link = join(temporaryDirectory(t), 'link');
  symlinkSync(path, link);
  t.is(await (await request(link, 'x')).text(), 'x');
});

test('hundreds of requests at once from one process', async (t) => {
  const { path, server } = await serving(t, (incoming) => incoming.text());
  const answers = await Promise.all(
    Array.from({ length: 1000 }, async (_, n) => (await request(path, `${n}`, { waitIfBusy: true })).text()),
  );
  t.deepEqual(
    answers,
    answers.map((_, n) => `${n}`),
  );
  await eventually(() => server.stats.open === 0, 'all are closed');
});

test('a message that was asked for a chunk is not sent again: what it gave is gone', async (t) => {
  const asked = gate();
  let connections = 0;
  const heard: string[] = [];
  const path = await rawServer(t, (socket) => {
    // The first leaves before anything is written, and after the message was asked.
    if (++connections === 1) void asked.promise.then(() => socket.destroy());
    else
      socket.on('data', (chunk) => {
        heard.push(String(chunk));
        socket.end(message('ok'));
      });
  });
  async function* source() {
    asked.resolve();
    await new Promise((resolve) => setTimeout(resolve, 30));
    yield 'first';
  }
  await t.throwsAsync(request(path, source(), { waitIfBusy: true }), { code: 'SIMPLE_IPC_BUSY' });
  t.deepEqual(heard, []);
});

test('an error of ours that the message throws is passed on, and nothing is sent again', async (t) => {
  const { path, server } = await serving(t, (incoming) => incoming.text());
  async function* source() {
    yield 'first half ';
    await request(`${path}.missing`, 'x');
  }
  await t.throwsAsync(request(path, source(), { waitIfMissing: true }), {
    code: 'SIMPLE_IPC_PATH_NOT_FOUND',
  });
  await eventually(() => server.stats.open === 0, 'its connection is over');
  t.is(server.stats.accepted, 1);
});

test('a message that waits for its next chunk is told when its request is over', async (t) => {
  const path = await rawServer(t, (socket) => socket.end(message('enough')));
  let returned = false;
  const silent: AsyncIterableIterator<string> = {
    [Symbol.asyncIterator]: () => silent,
    next: () => new Promise(() => {}),
    return: async () => {
      returned = true;
      return { done: true, value: undefined };
    },
  };
  t.is(await (await request(path, silent)).text(), 'enough');
  t.true(returned);
});

test('a chunk of the wrong kind ends the message, too', async (t) => {
  const { path } = await serving(t, () => t.fail());
  let cleaned = false;
  async function* wrong() {
    try {
      yield 42 as never;
    } finally {
      cleaned = true;
    }
  }
  await t.throwsAsync(request(path, wrong()), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
  t.true(cleaned);
});

test('a cancelled answer cannot be read, not even what had come', async (t) => {
  const { path } = await serving(t, () => 'whole');
  const answer = await request(path);
  answer.cancel();
  await t.throwsAsync(answer.text(), { code: 'SIMPLE_IPC_ABORTED' });
});
