// Our client against git's C implementation of the server: `git fsmonitor--daemon run`.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { lstat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { probe, request, serve, SimpleIpcError } from '../../src/index.ts';
import type { ErrorCode } from '../../src/index.ts';
import { openTelemetry } from '../../src/telemetry/index.ts';
import { git, peerTest } from '../support/peers.ts';
import { memorySdk } from '../telemetry/sdk.ts';
import { makeRepository, spawnDaemon, startDaemon, stopDaemon } from './repository.ts';

const withGit = peerTest(git);

/** A token, and "anything may have changed". git sends it as two packets. */
const TRIVIAL = /^builtin:\S+:\d+\0\/\0$/;

async function ask(path: string, message: string): Promise<string> {
  return (await request(path, message, { waitIfBusy: 10_000 })).text();
}

async function refuses(t: ExecutionContext, path: string, code: ErrorCode): Promise<void> {
  await t.throwsAsync(request(path, 'flush'), { instanceOf: SimpleIpcError, code });
}

withGit('a request is answered by git', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);

  t.regex(await ask(repository.socketPath, 'flush'), TRIVIAL);
});

withGit('git reads a request that has many packets', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);

  // No token of this server, so that git answers trivially; what matters is that it read to the end.
  t.regex(await ask(repository.socketPath, 'x'.repeat(1024 * 1024)), TRIVIAL);
});

withGit('an empty request is answered by git', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);

  t.regex(await ask(repository.socketPath, ''), TRIVIAL);
});

withGit('git tells what has changed since a token', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);

  const [token = ''] = (await ask(repository.socketPath, 'flush')).split('\0');
  await writeFile(join(repository.directory, 'new-file'), '');
  const [newToken, ...changed] = (await ask(repository.socketPath, token)).split('\0');

  t.not(newToken, token);
  t.deepEqual(changed, ['new-file', '']);
});

withGit('a hundred requests at once are all answered by eight threads', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);

  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(repository.socketPath, 'flush')));

  t.deepEqual(
    answers.filter((answer) => !TRIVIAL.test(answer)),
    [],
  );
  // Each flush makes a token of its own: nobody got the answer of another.
  t.is(new Set(answers).size, 100);
});

withGit('a trailer with the context of a trace is nothing to git', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);
  const telemetry = openTelemetry({ ...memorySdk(), propagate: true });

  const answers: string[] = [];
  for (let i = 0; i < 200; i++) {
    const answer = await request(repository.socketPath, 'flush', { telemetry, waitIfBusy: 10_000 });
    answers.push(await answer.text());
  }
  t.deepEqual(
    answers.filter((answer) => !TRIVIAL.test(answer)),
    [],
  );
});

withGit('a request waits for a daemon that is starting', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  spawnDaemon(t, repository);

  const answer = await request(repository.socketPath, 'flush', { waitIfMissing: 10_000 });

  t.regex(await answer.text(), TRIVIAL);
});

withGit('a probe finds a daemon listening, and does not disturb it', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);

  for (let i = 0; i < 20; i++) t.is((await probe(repository.socketPath)).state, 'listening');
  t.regex(await ask(repository.socketPath, 'flush'), TRIVIAL);
});

withGit('where there was never a daemon, nothing is found', async (t, peer) => {
  const { socketPath } = await makeRepository(t, peer);

  t.like(await probe(socketPath), { state: 'not-listening', errno: 'ENOENT' });
  await refuses(t, socketPath, 'SIMPLE_IPC_PATH_NOT_FOUND');
});

withGit('a killed daemon leaves a socket on which nobody listens', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await stopDaemon(await startDaemon(t, repository));

  t.true(existsSync(repository.socketPath));
  t.like(await probe(repository.socketPath), { state: 'not-listening', errno: 'ECONNREFUSED' });
  await refuses(t, repository.socketPath, 'SIMPLE_IPC_NOT_LISTENING');
});

withGit('a daemon told to quit answers with nothing, and takes its socket away', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  const daemon = await startDaemon(t, repository);
  const exited = once(daemon, 'exit');

  t.is(await ask(repository.socketPath, 'quit'), '');
  t.deepEqual(await exited, [0, null]);
  t.like(await probe(repository.socketPath), { state: 'not-listening', errno: 'ENOENT' });
  await refuses(t, repository.socketPath, 'SIMPLE_IPC_PATH_NOT_FOUND');
});

withGit("our server starts over git's stale socket", async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await stopDaemon(await startDaemon(t, repository));

  const server = await serve(repository.socketPath, () => 'ours');
  t.teardown(() => server.close());

  t.is(await ask(repository.socketPath, 'flush'), 'ours');
});

withGit("git's daemon starts where our server has been", async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await (await serve(repository.socketPath, () => 'ours')).close();
  await startDaemon(t, repository);

  t.regex(await ask(repository.socketPath, 'flush'), TRIVIAL);
});

withGit("our server leaves git's live socket alone", async (t, peer) => {
  const repository = await makeRepository(t, peer);
  const daemon = await startDaemon(t, repository);
  const { ino } = await lstat(repository.socketPath);

  await t.throwsAsync(
    serve(repository.socketPath, () => 'ours'),
    { instanceOf: SimpleIpcError, code: 'SIMPLE_IPC_ADDRESS_IN_USE' },
  );

  t.is((await lstat(repository.socketPath)).ino, ino);
  t.is(daemon.exitCode, null);
  t.regex(await ask(repository.socketPath, 'flush'), TRIVIAL);
});
