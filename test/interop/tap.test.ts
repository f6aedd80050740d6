// A tap between git's own programs: in front of git's daemon, and, at that one's path, behind git's client.
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { request, serve } from '../../src/index.ts';
import { tapHandler, type TappedRequest } from '../../src/apps/tap/tap.ts';
import { git, peerTest } from '../support/peers.ts';
import { serving, type Serving } from '../support/serving.ts';
import { commitFiles, gitIn, gitStatus, makeRepository, startDaemon } from './repository.ts';

const withGit = peerTest(git);

/** A token, and "anything may have changed". */
const TRIVIAL = /^builtin:\S+:\d+\0\/\0$/;

async function tapping(t: ExecutionContext, upstream: string): Promise<Serving & { seen: TappedRequest[] }> {
  const seen: TappedRequest[] = [];
  const handler = tapHandler(upstream, { onRequest: (one) => seen.push(one) });
  return { ...(await serving(t, handler)), seen };
}

async function ask(path: string, message: string): Promise<string> {
  return (await request(path, message)).text();
}

withGit("our client asks git's daemon through a tap", async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);
  const tap = await tapping(t, repository.socketPath);

  const flushed = await ask(tap.path, 'flush');
  t.regex(flushed, TRIVIAL);
  const [token = ''] = flushed.split('\0');
  await writeFile(join(repository.directory, 'new-file'), '');
  const answer = await ask(tap.path, token);
  const [newToken, ...changed] = answer.split('\0');

  t.not(newToken, token);
  t.deepEqual(changed, ['new-file', '']);
  t.like(tap.seen, {
    0: { method: 'flush', requestBytes: 5, responseBytes: flushed.length },
    1: { method: 'query', requestBytes: token.length, responseBytes: answer.length },
    length: 2,
  });
});

withGit('git reads a request of many packets through a tap', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);
  const tap = await tapping(t, repository.socketPath);

  t.regex(await ask(tap.path, 'x'.repeat(4 * 1024 * 1024)), TRIVIAL);
});

withGit('a hundred clients at once reach eight threads through a tap', async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);
  const tap = await tapping(t, repository.socketPath);

  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(tap.path, 'flush')));

  t.deepEqual(
    answers.filter((answer) => !TRIVIAL.test(answer)),
    [],
  );
  // Each flush makes a token of its own: nobody got the answer of another.
  t.is(new Set(answers).size, 100);
});

withGit(
  'a daemon told to quit through a tap answers with nothing, and the tap fails what comes after',
  async (t, peer) => {
    const repository = await makeRepository(t, peer);
    await startDaemon(t, repository);
    const tap = await tapping(t, repository.socketPath);

    t.is(await ask(tap.path, 'quit'), '');
    await t.throwsAsync(ask(tap.path, 'flush'), { code: 'SIMPLE_IPC_HUNG_UP' });
  },
);

withGit("git status asks git's daemon through a tap that stands in its place", async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await commitFiles(repository, ['a', 'b']);
  const daemon = await startDaemon(t, repository);
  // The daemon looks after its socket once a minute, and would stop then.
  const moved = `${repository.socketPath}.moved`;
  await rename(repository.socketPath, moved);
  const seen: TappedRequest[] = [];
  const tap = await serve(repository.socketPath, tapHandler(moved, { onRequest: (one) => seen.push(one) }));
  t.teardown(() => tap.close({ drainTimeout: 0 }));

  // Until git's index holds a token of the daemon.
  await gitStatus(repository);
  await gitStatus(repository);
  await writeFile(join(repository.directory, 'b'), 'b, modified');
  const { modified, stderr, trace } = await gitStatus(repository);

  t.deepEqual(modified, ['b']);
  t.is(stderr, '');
  t.regex(trace['query/command'] ?? '', /^builtin:/);
  t.is(trace['query/trivial-response'], undefined);
  t.is(trace['apply_count'], '1');
  t.is(seen.length, 3);
  t.like(seen[2], {
    method: 'query',
    requestBytes: trace['query/command']?.length,
    responseBytes: Number(trace['query/response-length']),
  });
  t.is(daemon.exitCode, null);
  t.is(tap.stats.ended.answered, 3);

  const { stdout } = await gitIn(repository, ['fsmonitor--daemon', 'status']);
  t.regex(stdout, /^fsmonitor-daemon is watching /);
});
