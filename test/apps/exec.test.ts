import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { request, serve, type ConnectionOutput, type ServeOptions, type Server } from '../../src/index.ts';
import { execHandler } from '../../src/apps/exec/exec.ts';
import { groupIsGone, isAlive } from '../cli/command.ts';
import { temporaryDirectory } from '../support/temporary.ts';

async function startExec(t: ExecutionContext, command: string, options: ServeOptions = {}) {
  const ends: string[] = [];
  const server = await serve(join(temporaryDirectory(t), 'exec.sock'), execHandler(command), {
    ...options,
    onTransition({ machine, output, reason }) {
      if (machine === 'connection' && output !== undefined) {
        ends.push(`${(output as ConnectionOutput).outcome}: ${reason ?? ''}`);
      }
    },
  });
  t.teardown(() => server.close({ drainTimeout: 0 }));
  return { server, ends };
}

/** Asks for an answer that begins with a line, and leaves it open. */
async function askForLine(t: ExecutionContext, server: Server) {
  const response = await request(server.path, 'x');
  t.teardown(() => response.cancel());
  let text = '';
  const chunks = response[Symbol.asyncIterator]();
  while (!text.includes('\n')) text += Buffer.from((await chunks.next()).value ?? '\n').toString();
  return { response, line: text.trim() };
}

/** Resolves when no handler runs that has lost its connection. */
async function allSettled(server: Server): Promise<void> {
  while (server.stats.running > 0 || server.stats.abandoned > 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

test('the request is its stdin, and its stdout the answer', async (t) => {
  const { server } = await startExec(t, 'tr a-z A-Z');
  t.is(await (await request(server.path, 'some text')).text(), 'SOME TEXT');
  t.is(await (await request(server.path)).text(), '');
});

test('64 MiB go through in both directions at once, and are held nowhere', async (t) => {
  t.timeout(60_000);
  const { server } = await startExec(t, 'cat');
  const piece = randomBytes(2 ** 20);
  const pieces = 64;
  function* message() {
    for (let i = 0; i < pieces; i++) yield piece;
  }
  let most = 0;
  const sample = setInterval(() => (most = Math.max(most, server.stats.bufferedBytes)), 1);
  t.teardown(() => clearInterval(sample));
  let received = 0;
  let equal = true;
  for await (const chunk of await request(server.path, message())) {
    for (let at = 0; at < chunk.length;) {
      const offset = (received + at) % piece.length;
      const part = Buffer.from(
        chunk.buffer,
        chunk.byteOffset + at,
        Math.min(chunk.length - at, piece.length - offset),
      );
      equal &&= part.equals(piece.subarray(offset, offset + part.length));
      at += part.length;
    }
    received += chunk.length;
  }
  t.is(received, pieces * piece.length);
  t.true(equal);
  t.true(most <= 2 * 2 ** 20, `${most} bytes of the request were held`);
});

test('a command that leaves its stdin unread answers all the same', async (t) => {
  const { server, ends } = await startExec(t, 'echo done');
  t.is(await (await request(server.path, Buffer.alloc(8 * 2 ** 20))).text(), 'done\n');
  t.is(await (await request(server.path, 'little')).text(), 'done\n');
  await server.close();
  t.deepEqual(ends, ['answered: ', 'answered: ']);
});

test('a command that does not read holds its client up', async (t) => {
  const { server } = await startExec(t, 'sleep 100');
  let taken = 0;
  function* message() {
    for (; taken < 64; taken++) yield Buffer.alloc(2 ** 20);
  }
  const asked = request(server.path, message(), { timeout: 500 });
  await t.throwsAsync(asked, { code: 'SIMPLE_IPC_TIMED_OUT' });
  t.true(taken < 16, `${taken} MiB were taken`);
});

test('a client that does not read holds its command up', async (t) => {
  const finished = join(temporaryDirectory(t), 'finished');
  const { server, ends } = await startExec(t, `head -c 67108864 /dev/zero; touch ${finished}`, {
    writeTimeout: 200,
  });
  const response = await request(server.path);
  while (ends.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.regex(ends.join(), /^timed-out/u);
  await allSettled(server);
  t.false(existsSync(finished));
  response.cancel();
});

test('an answer comes as it is made', async (t) => {
  const directory = temporaryDirectory(t);
  // It goes on when what it said has come through.
  const { server } = await startExec(t, `mkfifo ${directory}/go; echo first; cat ${directory}/go`);
  const { line } = await askForLine(t, server);
  t.is(line, 'first');
});

for (const [command, reason] of [
  ['echo half; exit 3', 'The command exited with 3: echo half; exit 3'],
  ['echo half; kill -KILL $$', 'The command was ended by SIGKILL: echo half; kill -KILL $$'],
  ['/no/such/program 2> /dev/null', 'The command exited with 127: /no/such/program 2> /dev/null'],
] as const) {
  test(`a failed command is a failed request: ${command}`, async (t) => {
    const { server, ends } = await startExec(t, command);
    const error = await t.throwsAsync(async () => (await request(server.path, 'x')).text());
    t.like(error, { code: 'SIMPLE_IPC_HUNG_UP' });
    await server.close();
    t.deepEqual(ends, [`handler-failed: ${reason}`]);
  });
}

test('a hang-up ends the whole process group', async (t) => {
  const { server, ends } = await startExec(t, 'sleep 100 & (sleep 100; true) & echo $$; wait');
  const { response, line } = await askForLine(t, server);
  const group = Number(line);
  t.true(isAlive(-group));
  response.cancel();
  await groupIsGone(group);
  await allSettled(server);
  t.regex(ends.join(), /^hung-up: /u);
});

test('a command that says nothing is ended by a hang-up, too', async (t) => {
  const { server } = await startExec(t, 'sleep 100');
  const hangUp = new AbortController();
  const asked = request(server.path, 'x', { signal: hangUp.signal });
  while (server.stats.running === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  hangUp.abort();
  await t.throwsAsync(asked);
  await allSettled(server);
  t.is(server.stats.ended['hung-up'], 1);
});

test('a group that ignores SIGTERM is killed, and the handler is over only then', async (t) => {
  const { server } = await startExec(t, "trap '' TERM; echo $$; while :; do sleep 1; done");
  const { response, line } = await askForLine(t, server);
  const group = Number(line);
  response.cancel();
  while (server.stats.abandoned === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.true(isAlive(group));
  await allSettled(server);
  t.false(isAlive(group));
  await groupIsGone(group);
});

test('what has left the group and holds stdout open keeps nobody waiting', async (t) => {
  // Less than that goes on.
  t.timeout(60_000);
  const { server } = await startExec(t, 'setsid sh -c "echo \\$\\$; exec sleep 100" & wait');
  const { response, line } = await askForLine(t, server);
  t.teardown(() => process.kill(Number(line), 'SIGKILL'));
  response.cancel();
  await allSettled(server);
  t.true(isAlive(Number(line)));
});

test('the drain deadline ends a command', async (t) => {
  const { server, ends } = await startExec(t, 'echo $$; sleep 100');
  const { line } = await askForLine(t, server);
  await server.close({ drainTimeout: 0 });
  await allSettled(server);
  await groupIsGone(Number(line));
  t.regex(ends.join(), /^aborted: /u);
});
