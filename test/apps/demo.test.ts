import test, { type ExecutionContext } from 'ava';
import { request, serve, type Message, type Server } from '../../src/index.ts';
import { demo } from '../../src/apps/demo/demo.ts';
import { join } from 'node:path';
import { temporaryDirectory } from '../support/temporary.ts';
import { eventually } from '../support/serving.ts';

async function startDemo(t: ExecutionContext): Promise<Server> {
  const server = await serve(join(temporaryDirectory(t), 'demo.sock'), demo);
  t.teardown(() => server.close({ drainTimeout: 0 }));
  return server;
}

async function ask(server: Server, message: Message): Promise<string> {
  return Buffer.from(await (await request(server.path, message)).bytes()).toString('latin1');
}

const ROWS = Array.from(
  { length: 10_000 },
  (_, row) => `big: ${'0'.repeat(75 - String(row).length)}${row}\n`,
);

// What t/helper/test-simple-ipc.c answers.
const ANSWERS: readonly (readonly [Message, string])[] = [
  ['ping', 'pong'],
  ['sendbytes aaaa', 'rcvd:a00000004\n'],
  ['sendbytes aaba', 'errs:1\n'],
  ['sendbytes baa', 'errs:2\n'],
  ['sendbytes ', 'rcvd:\u000000000000\n'],
  ['sendbytes aa\0bb', 'rcvd:a00000002\n'],
  [Buffer.concat([Buffer.from('sendbytes '), Buffer.alloc(3, 0xff)]), 'rcvd:\xff00000003\n'],
  [['send', 'bytes', ' x', 'x', 'y', 'xx'], 'errs:1\n'],
  ['sendbytes', 'unhandled command: sendbytes'],
  ['', 'unhandled command: '],
  ['pingx', 'unhandled command: pingx'],
  ['ping\n', 'unhandled command: ping\n'],
  ['ping\0', 'unhandled command: ping'],
  ['a longer one\0with more behind', 'unhandled command: a longer one'],
  ['big', ROWS.join('')],
  ['chunk', ROWS.join('')],
];

for (const [message, answer] of ANSWERS) {
  test(`${JSON.stringify(message)} is answered as git's test server does`, async (t) => {
    t.is(await ask(await startDemo(t), message), answer);
  });
}

test('sendbytes counts what no memory needs to hold', async (t) => {
  const server = await startDemo(t);
  const piece = Buffer.alloc(2 ** 20, 'x');
  function* message() {
    yield 'sendbytes ';
    for (let i = 0; i < 128; i++) yield piece;
  }
  let most = 0;
  const sample = setInterval(() => (most = Math.max(most, server.stats.bufferedBytes)), 1);
  t.teardown(() => clearInterval(sample));
  t.is(await ask(server, message()), `rcvd:x${128 * 2 ** 20}\n`);
  t.true(most <= 2 * 2 ** 20, `${most} bytes of it were held`);
});

test('slow sends a row at a time, and stops when its client leaves', async (t) => {
  const server = await startDemo(t);
  const response = await request(server.path, 'slow');
  let rows = '';
  for await (const chunk of response) {
    rows += Buffer.from(chunk).toString();
    if (rows.split('\n').length > 3) break;
  }
  t.true(ROWS.join('').startsWith(rows));
  t.true(rows.length < 1_000 * 81);
  // It goes on for ten seconds where nobody stops it.
  await server.close();
  t.is(server.stats.ended['hung-up'], 1);
  // It ends at the row that it is about to send.
  await eventually(() => server.stats.running === 0, 'the handler ends');
});

test('quit is answered with nothing, and stops the server', async (t) => {
  const server = await startDemo(t);
  t.is(await ask(server, 'quit'), '');
  t.deepEqual(await server.closed, { reason: 'quit' });
});
