import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findGit } from '../../../bench/run/find-git.ts';
import { generate } from '../../../bench/run/generate.ts';
import { startFailed } from '../../../bench/run/server-errors.ts';
import { startServer } from '../../../bench/run/start-server.ts';
import {
  type Load,
  type RunningServer,
  type ServerName,
  type ServerSettings,
  Unavailable,
} from '../../../bench/types.ts';
import { git, peerTest } from '../../support/peers.ts';

const SETTINGS = { requestBytes: 4, answerBytes: 4, otlp: undefined };
const LOAD: Load = {
  connections: 2,
  idle: 0,
  requestBytes: 4,
  answerBytes: 4,
  rate: 0,
  duration: 20_000,
  amount: 20,
  warmUp: 0,
  readRate: 0,
  sleeps: false,
};

for (const name of ['node:net', 'simple-ipc', 'simple-ipc, interpreted'] as const)
  test(`${name} answers, counts, and leaves nothing behind`, async (t) => {
    const server = await startServer(name, SETTINGS);
    t.teardown(() => server.close());
    t.regex(server.version, /^v?\d+\.\d+\.\d+/);
    t.true(server.connectionPerRequest);
    t.is(server.serviceName, undefined);
    t.deepEqual(await server.counts(), { served: 0 });
    await answersAll(t, server);
    t.deepEqual(await server.counts(), { served: 20 });

    await server.close();
    t.throws(() => process.kill(server.pid, 0), { code: 'ESRCH' });
    t.false(existsSync(dirname(server.path)));
    await t.throwsAsync(server.counts(), { message: new RegExp(`${name} has ended`) });
    // As good as done.
    await server.close();
  });

for (const sizes of [
  { requestBytes: 100_000, answerBytes: 100_000 },
  { requestBytes: 2_000_000, answerBytes: 3_000_000 },
  { requestBytes: 2_000_000, answerBytes: 4 },
  { requestBytes: 0, answerBytes: 0 },
  { requestBytes: 5, answerBytes: 4 },
])
  test(`simple-ipc answers ${sizes.requestBytes} bytes with ${sizes.answerBytes}`, async (t) => {
    await answersAll(t, await started(t, 'simple-ipc', sizes), sizes);
  });

test('a traced server tells what it recorded, and has a name of its own', async (t) => {
  const collector = createServer((request, response) => {
    request.resume().once('end', () => response.end());
  }).listen(0, '127.0.0.1');
  t.teardown(() => collector.close());
  await new Promise((resolve) => collector.once('listening', resolve));
  const otlp = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const all = await started(t, 'simple-ipc, 100 % sampled', { otlp });
  const some = await started(t, 'simple-ipc, 1 % sampled', { otlp });
  const asked = await started(t, 'simple-ipc', { otlp, trace: true });
  t.regex(all.serviceName!, /^bench simple-ipc, 100 % sampled /);
  t.regex(some.serviceName!, /^bench simple-ipc, 1 % sampled /);

  for (const server of [all, asked]) {
    await answersAll(t, server);
    const { served, recorded, unsampled, dropped } = await server.counts();
    t.deepEqual([served, recorded, unsampled, dropped], [20, 20, 0, 0]);
  }
  t.is((await started(t, 'node:net', { otlp, trace: true })).serviceName, undefined);
});

test('handlers take as long as they are told to, so many at once as they may', async (t) => {
  const server = await started(t, 'simple-ipc', { concurrency: 1, handlerTime: 5 });
  const { requests, elapsed } = await generate(server, { ...LOAD, connections: 10 }, 'node');
  t.is(requests, 20);
  // A timer may come up to a millisecond early.
  t.true(elapsed >= 20 * 4_000);
});

test('a server that does not start is an error with what it said', async (t) => {
  const settings = { ...SETTINGS, otlp: 'nowhere' };
  const error = await t.throwsAsync(startServer('simple-ipc, 100 % sampled', settings));
  t.regex(error.message, /100 % sampled ended with 1\. It said:[^]*endpoint is "nowhere"/);
  t.false(error instanceof Unavailable);
});

test('a package or a build that is missing is told from other failures', (t) => {
  const missing = (what: string) => startFailed('grpc-js', 'ended with 1', `[ERR_MODULE_NOT_FOUND]: ${what}`);
  const ofPackage = missing("Cannot find package '@grpc/grpc-js' imported from /x.ts");
  t.true(ofPackage instanceof Unavailable);
  t.is(ofPackage.message, 'grpc-js is not installed: npm ci --prefix bench');
  const dist = new URL('../../../dist/index.js', import.meta.url).pathname;
  const ofBuild = missing(`Cannot find module '${dist}' imported from /x.ts`);
  t.false(ofBuild instanceof Unavailable);
  t.regex(ofBuild.message, /npm run build/);
});

test('without git it says where to get it', (t) => {
  const error = t.throws(() => findGit({ SIMPLE_IPC_GIT: '/nonexistent/git' }), { instanceOf: Unavailable });
  t.regex(error.message, /\/nonexistent\/git.*\.ci\/peers\/git\.sh/);
});

peerTest(git)("git's own server is measured in its own process, and ends", async (t, { version }) => {
  const server = await started(t, 'git');
  t.is(server.version, version);
  if (process.platform === 'linux')
    t.regex(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8'), /fsmonitor--daemon\0run/);
  t.deepEqual(await server.counts(), {});
  await answersAll(t, server);
  await answersAll(t, server, { requestBytes: 1_000_000 });
  await server.close();
  t.throws(() => process.kill(server.pid, 0), { code: 'ESRCH' });
});

async function started(
  t: ExecutionContext,
  name: ServerName,
  settings: Partial<ServerSettings> = {},
): Promise<RunningServer> {
  const server = await startServer(name, { ...SETTINGS, ...settings });
  t.teardown(() => server.close());
  return server;
}

/** Asked by this package's own client, so that no compiler is needed. */
async function answersAll(
  t: ExecutionContext,
  server: RunningServer,
  load: Partial<Load> = {},
): Promise<void> {
  const { requests, errorKinds } = await generate(server, { ...LOAD, ...load }, 'node');
  t.deepEqual(errorKinds, {});
  t.is(requests, 20);
}
