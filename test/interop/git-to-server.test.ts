// git's own client against our server: `git status` asks it what has changed, and believes the answer.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { QUIT, serve } from '../../src/index.ts';
import type { ConnectionOutput, Handler, Server, Transition } from '../../src/index.ts';
import { git, peerTest } from '../support/peers.ts';
import type { Git } from '../support/peers.ts';
import { commitFiles, gitIn, gitStatus, makeRepository } from './repository.ts';
import type { Repository } from './repository.ts';

const withGit = peerTest(git);

const TRIVIAL = 'builtin:test:0\0/\0';

interface Scene {
  readonly repository: Repository;
  readonly server: Server;
  /** The requests that came, in their order. */
  readonly requests: string[];
  /** What to answer from now on. */
  answer: Handler;
  /** Stops the server, and tells the path that each connection took through its states, and how it ended. */
  paths(): Promise<string[]>;
}

/** A repository with the files `a`, `b` and `c`, and our server where git looks for its daemon. */
async function setScene(t: ExecutionContext, peer: Git): Promise<Scene> {
  const repository = await makeRepository(t, peer);
  await commitFiles(repository, ['a', 'b', 'c']);
  const requests: string[] = [];
  const transitions: Transition[] = [];
  const server = await serve(
    repository.socketPath,
    async (incoming, context) => {
      requests.push(await incoming.text());
      return scene.answer(incoming, context);
    },
    { onTransition: (transition) => transitions.push(transition) },
  );
  t.teardown(() => server.close());
  const paths = async (): Promise<string[]> => {
    await server.close();
    return pathsOf(transitions);
  };
  const scene: Scene = { repository, server, requests, answer: () => TRIVIAL, paths };
  return scene;
}

/** One line a connection: the states it went through, and its outcome. */
function pathsOf(transitions: Transition[]): string[] {
  const ofConnections = transitions.filter(({ machine }) => machine === 'connection');
  return [...Map.groupBy(ofConnections, ({ actor }) => actor).values()].map((steps) => {
    const states = steps.filter(({ from, to }) => from !== to).map(({ to }) => to);
    const output = steps.at(-1)?.output as ConnectionOutput | undefined;
    return [...states, output?.outcome].join(' > ');
  });
}

const ANSWERED = 'listening > reading-request > dispatching > streaming-response > closed > answered';

/** Has git make its index rely on the server: from here on it believes that what is not reported is unchanged. */
async function prime({ repository }: Scene): Promise<void> {
  await gitStatus(repository);
  await gitStatus(repository);
}

function modify({ repository }: Scene, ...names: string[]): Promise<unknown> {
  return Promise.all(names.map((name) => writeFile(join(repository.directory, name), `${name}, modified`)));
}

withGit('a trivial answer makes git look for itself', async (t, peer) => {
  const scene = await setScene(t, peer);
  await prime(scene);
  await modify(scene, 'a', 'b');

  const { modified, stderr, trace } = await gitStatus(scene.repository);

  t.deepEqual(modified, ['a', 'b']);
  t.is(stderr, '');
  t.is(trace['query/trivial-response'], '1');
  t.is(trace['query/response-length'], String(TRIVIAL.length));
  t.is(trace['extension/fsmn/write/token'], 'builtin:test:0');
  t.deepEqual(await scene.paths(), [ANSWERED, ANSWERED, ANSWERED]);
});

withGit('the server reads what git sends: a time first, then its own token', async (t, peer) => {
  const scene = await setScene(t, peer);
  const first = await gitStatus(scene.repository);
  const second = await gitStatus(scene.repository);

  t.regex(scene.requests[0] ?? '', /^\d{19}$/);
  t.is(scene.requests[0], first.trace['query/command']);
  t.is(scene.requests[1], 'builtin:test:0');
  t.is(scene.requests[1], second.trace['query/command']);
});

withGit('git believes an answer that names one path', async (t, peer) => {
  const scene = await setScene(t, peer);
  await prime(scene);
  await modify(scene, 'a', 'b');
  scene.answer = () => 'builtin:test:1\0a\0';

  const { modified, stderr, trace } = await gitStatus(scene.repository);

  // Not `b`, which is modified too: git did not look at it, for the server did not name it.
  t.deepEqual(modified, ['a']);
  t.is(stderr, '');
  t.is(trace['query/trivial-response'], undefined);
  t.is(trace['query/response-length'], '17');
  t.is(trace['apply_count'], '1');
  t.deepEqual(await scene.paths(), [ANSWERED, ANSWERED, ANSWERED]);
});

withGit('git believes an answer that names no path', async (t, peer) => {
  const scene = await setScene(t, peer);
  await prime(scene);
  await modify(scene, 'a');
  scene.answer = () => 'builtin:test:1\0';

  const { modified, trace } = await gitStatus(scene.repository);

  t.deepEqual(modified, []);
  t.is(trace['query/response-length'], '15');
  t.is(trace['apply_count'], '0');
});

withGit('git reads an answer of 10 MiB to its last byte', async (t, peer) => {
  const scene = await setScene(t, peer);
  await prime(scene);
  await modify(scene, 'a', 'b');
  // Paths that do not exist; the one that does is the last.
  const path = (i: number): string => `${String(i).padStart(103, 'x')}\0`;
  const pathsAChunk = 1000;
  const chunks = Math.ceil((10 * 1024 * 1024) / (104 * pathsAChunk));
  scene.answer = async function* () {
    yield 'builtin:test:1\0';
    for (let chunk = 0; chunk < chunks; chunk++) {
      yield Array.from({ length: pathsAChunk }, (_, i) => path(chunk * pathsAChunk + i)).join('');
    }
    yield 'b\0';
  };

  const { modified, stderr, trace } = await gitStatus(scene.repository);

  t.deepEqual(modified, ['b']);
  t.is(stderr, '');
  t.is(trace['query/response-length'], String(15 + chunks * pathsAChunk * 104 + 2));
  t.is(trace['apply_count'], String(chunks * pathsAChunk + 1));
  t.deepEqual(await scene.paths(), [ANSWERED, ANSWERED, ANSWERED]);
});

withGit('git does not believe a handler that failed', async (t, peer) => {
  const scene = await setScene(t, peer);
  await prime(scene);
  await modify(scene, 'a', 'b');
  scene.answer = () => {
    throw new Error('no answer today');
  };

  const { modified, stderr, trace } = await gitStatus(scene.repository);

  t.deepEqual(modified, ['a', 'b']);
  t.is(stderr, 'error: could not read IPC response\n');
  t.is(trace['query/response-length'], '0');
  t.deepEqual(await scene.paths(), [
    ANSWERED,
    ANSWERED,
    'listening > reading-request > dispatching > closed > handler-failed',
  ]);
});

withGit('git does not believe half an answer', async (t, peer) => {
  const scene = await setScene(t, peer);
  await prime(scene);
  await modify(scene, 'a', 'b');
  scene.answer = function* () {
    yield 'builtin:test:1\0a\0';
    throw new Error('no more');
  };

  const { modified, stderr, trace } = await gitStatus(scene.repository);

  t.deepEqual(modified, ['a', 'b']);
  t.is(stderr, 'error: could not read IPC response\n');
  t.is(trace['query/response-length'], '0');
  t.deepEqual(await scene.paths(), [
    ANSWERED,
    ANSWERED,
    'listening > reading-request > dispatching > streaming-response > closed > handler-failed',
  ]);
});

withGit('an empty answer is believed, which is why a failure never ends in one', async (t, peer) => {
  const scene = await setScene(t, peer);
  await prime(scene);
  await modify(scene, 'a', 'b');
  scene.answer = () => {};

  const { modified, stderr } = await gitStatus(scene.repository);

  t.deepEqual(modified, []);
  t.is(stderr, '');
  t.deepEqual(await scene.paths(), [ANSWERED, ANSWERED, ANSWERED]);
});

withGit("git's probe is a ping", async (t, peer) => {
  const scene = await setScene(t, peer);

  const { stdout } = await gitIn(scene.repository, ['fsmonitor--daemon', 'status']);

  t.regex(stdout, /^fsmonitor-daemon is watching /);
  t.deepEqual(await scene.paths(), ['listening > closed > pinged']);
});

withGit("git's daemon does not start where our server listens", async (t, peer) => {
  const scene = await setScene(t, peer);

  await t.throwsAsync(gitIn(scene.repository, ['fsmonitor--daemon', 'run']), {
    code: 128,
    message: /fsmonitor--daemon is already running/,
  });
  t.is((await gitStatus(scene.repository)).trace['query/trivial-response'], '1');
});

withGit('git stops our server, whose handler returns QUIT', async (t, peer) => {
  const scene = await setScene(t, peer);
  scene.answer = () => QUIT;

  await gitIn(scene.repository, ['fsmonitor--daemon', 'stop']);

  t.deepEqual(scene.requests, ['quit']);
  t.is((await scene.server.closed).reason, 'quit');
  t.false(existsSync(scene.repository.socketPath));
});
