// Traces of the command and of the library, found in a real Jaeger through its API.
import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { request } from '../../src/index.ts';
import { type RunningTelemetry, startTelemetry } from '../../src/telemetry/index.ts';
import { run, start, type Running } from '../cli/command.ts';
import { type Jaeger, startJaeger } from '../support/jaeger.ts';
import type { Span } from '../support/jaeger-spans.ts';
import { git, jaeger, peerTest } from '../support/peers.ts';
import { serving } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';
import { SLOW } from '../support/traced-handler.ts';
import { commitFiles, gitIn, gitStatus, makeRepository, startDaemon, untilListening } from './repository.ts';

const withJaeger = peerTest(jaeger);
const withBoth = peerTest({
  name: 'git with Jaeger',
  remedy: 'run .ci/peers/all.sh',
  find: () => {
    const [found, collector] = [git.find(), jaeger.find()];
    return found === undefined || collector === undefined ? undefined : { git: found, jaeger: collector };
  },
});

const HANDLER = fileURLToPath(new URL('../support/traced-handler.ts', import.meta.url));

/** A name that no other test's traces have. */
const serviceName = () => `test-${randomUUID()}`;

interface Serving {
  readonly path: string;
  readonly service: string;
  readonly server: Running;
  /** Stops it, with all exported, and gives what it said. */
  stop(): Promise<string>;
}

async function serveTraced(t: ExecutionContext, endpoint: string, ...flags: string[]): Promise<Serving> {
  const path = temporaryPath(t);
  const service = serviceName();
  const server = start(t, [
    'serve',
    path,
    '--module',
    HANDLER,
    '--trace',
    endpoint,
    '--service-name',
    service,
    ...flags,
  ]);
  await server.said(/Listening/u);
  return {
    path,
    service,
    server,
    async stop() {
      server.child.kill('SIGTERM');
      const { code, stderr } = await server.ended;
      t.is(code, 0, stderr);
      return stderr;
    },
  };
}

const ask = async (path: string, message: string) => (await request(path, message)).text();

const phases = ({ events }: Span) => events.map(({ name }) => name);
const ms = (from: bigint, to: bigint) => Number(to - from) / 1e6;

async function servers(peer: Jaeger, service: string, spans: number): Promise<Span[]> {
  const traces = await peer.findTraces(service, { spans });
  return traces.flatMap((trace) => trace.spans).filter(({ kind }) => kind === 'server');
}

withJaeger('ten requests, of which one fails and one is slow', async (t, program) => {
  const peer = await startJaeger(t, program);
  const { path, service, stop } = await serveTraced(t, peer.endpoint);
  for (let i = 0; i < 8; i++) t.is(await ask(path, 'ping'), 'ping!');
  await t.throwsAsync(ask(path, 'fail'), { code: 'SIMPLE_IPC_HUNG_UP' });
  t.is(await ask(path, 'slow'), 'slow!');
  await stop();

  const spans = await servers(peer, service, 10);
  t.deepEqual(spans.map(({ name }) => name).toSorted(), ['fail', ...Array<string>(8).fill('ping'), 'slow']);
  t.is(new Set(spans.map(({ traceId }) => traceId)).size, 10);
  for (const span of spans) {
    t.like(span.attributes, {
      'rpc.system.name': 'simple-ipc',
      'rpc.method': span.name,
      'server.address': path,
      'network.transport': 'unix',
      'simple_ipc.request.size': 4,
      'simple_ipc.request.packets': 1,
      'simple_ipc.outcome': span.name === 'fail' ? 'handler-failed' : 'answered',
    });
    t.deepEqual(phases(span), [
      'reading-request',
      'dispatching',
      span.name === 'fail' ? 'exception' : 'streaming-response',
    ]);
    t.is(span.events[0]?.time, span.start);
    t.true(span.events.every(({ time }) => time >= span.start && time <= span.end));
  }
  const failed = spans.find(({ name }) => name === 'fail') as Span;
  t.is(failed.status.code, 'error');
  t.regex(failed.status.message, /no such row/u);
  t.is(failed.attributes['error.type'], 'handler-failed');
  const exception = failed.events.at(-1)?.attributes ?? {};
  t.like(exception, { 'exception.type': 'Error', 'exception.message': 'no such row' });
  t.regex(
    String(exception['exception.stacktrace']),
    /^Error: no such row\n +at handler \(.*traced-handler\.ts:\d+:\d+\)$/mu,
  );
  const slow = spans.find(({ name }) => name === 'slow') as Span;
  const [, dispatched, streamed] = slow.events;
  t.true(ms(dispatched?.time as bigint, streamed?.time as bigint) >= SLOW - 5, 'it was slow in its handler');
});

withJaeger('failed and slow ones are kept whatever the sampling says', async (t, program) => {
  const peer = await startJaeger(t, program);
  const { path, service, stop } = await serveTraced(
    t,
    peer.endpoint,
    '--sample',
    '0',
    '--keep-slower-than',
    '100',
  );
  for (let i = 0; i < 20; i++) await ask(path, 'ping');
  await t.throwsAsync(ask(path, 'fail'));
  await ask(path, 'slow');
  await stop();
  const names = (await servers(peer, service, 2)).map(({ name }) => name);
  // A ping that a busy machine made slow is kept as well, and rightly.
  t.deepEqual(new Set(names), new Set(names.includes('ping') ? ['fail', 'slow', 'ping'] : ['fail', 'slow']));
  t.true(names.length < 22);
});

withJaeger('a client that propagates and the handler of its server are in one trace', async (t, program) => {
  const peer = await startJaeger(t, program);
  const { path, service, stop } = await serveTraced(t, peer.endpoint);
  const client = serviceName();
  const { stdout, stderr, code } = await run(t, [
    'send',
    path,
    'child',
    '--trace',
    peer.endpoint,
    '--propagate',
    '--service-name',
    client,
    '--jaeger',
    peer.query,
  ]);
  t.is(code, 0, stderr);
  t.is(stdout.toString(), 'child!');
  await stop();

  const link = /^simple-ipc: Trace: (\S+)\/trace\/([\da-f]{32})$/mu.exec(stderr);
  t.is(link?.[1], peer.query);
  const spans = await peer.getTrace(link?.[2] as string, { min: 3 });
  t.is(spans.length, 3);
  const [asked, served, looked] = spans as [Span, Span, Span];
  t.deepEqual(
    [asked, served, looked].map(({ kind, parentSpanId, resource }) => [
      kind,
      parentSpanId,
      resource['service.name'],
    ]),
    [
      ['client', '', client],
      ['server', asked.spanId, service],
      ['internal', served.spanId, service],
    ],
  );
  t.is(looked.name, 'look it up');
  t.is(looked.attributes['app.rows'], 3);
  t.is(served.attributes['app.cached'], false);
  t.deepEqual(phases(asked), ['connecting', 'sending-request', 'awaiting-response', 'reading-response']);
});

withJaeger('without --propagate they are two traces', async (t, program) => {
  const peer = await startJaeger(t, program);
  const { path, service, stop } = await serveTraced(t, peer.endpoint);
  await run(t, ['send', path, 'ping', '--trace', peer.endpoint, '--service-name', service]);
  await stop();
  t.is((await peer.findTraces(service, { min: 2 })).length, 2);
});

withJaeger(
  'the library, a collector that dies in the middle, and every request counted',
  async (t, program) => {
    const peer = await startJaeger(t, program);
    const service = serviceName();
    const problems: string[] = [];
    const telemetry: RunningTelemetry = await startTelemetry({
      endpoint: peer.endpoint,
      serviceName: service,
      onProblem: (message) => problems.push(message),
    });
    const { path } = await serving(t, async (incoming) => incoming.text(), { telemetry });
    const askSome = async (count: number) => {
      for (let i = 0; i < count; i++) t.is(await ask(path, `${i}`), `${i}`);
    };
    await askSome(50);
    t.is((await servers(peer, service, 50)).length, 50);
    await peer.stop();
    await askSome(50);
    await telemetry.shutdown();
    const { recorded, exported, dropped } = telemetry.stats;
    t.is(recorded, 100);
    t.is(exported, 50);
    t.is(
      Object.values(dropped).reduce((sum, count) => sum + count, 0),
      50,
    );
    t.true(problems.length > 0, 'what was lost is told');
  },
);

withBoth("tap in front of git's own daemon shows git's queries", async (t, peers) => {
  const peer = await startJaeger(t, peers.jaeger);
  const repository = await makeRepository(t, peers.git);
  await commitFiles(repository, ['a', 'b']);
  await startDaemon(t, repository);
  const moved = `${repository.socketPath}.moved`;
  await rename(repository.socketPath, moved);
  const service = serviceName();
  const tap = start(t, [
    'tap',
    repository.socketPath,
    moved,
    '--trace',
    peer.endpoint,
    '--service-name',
    service,
  ]);
  await tap.said(/Listening/u);
  await gitStatus(repository);
  const { trace } = await gitStatus(repository);
  await ask(repository.socketPath, 'flush');
  tap.child.kill('SIGTERM');
  const { stderr } = await tap.ended;

  const traces = await peer.findTraces(service, { min: 3, spans: 6 });
  const queries = traces.filter(({ spans }) => spans.some(({ name }) => name === 'query'));
  t.is(queries.length, 2, stderr);
  for (const { spans } of traces) {
    const [through, asked] = spans as [Span, Span];
    t.deepEqual([through.kind, asked.kind, asked.parentSpanId], ['server', 'client', through.spanId]);
    t.is(through.attributes['server.address'], repository.socketPath);
    t.is(asked.attributes['server.address'], moved);
    t.is(through.attributes['simple_ipc.response.size'], asked.attributes['simple_ipc.response.size']);
  }
  const sizes = queries.map(({ spans }) => spans[0]?.attributes['simple_ipc.response.size']);
  t.true(sizes.includes(Number(trace['query/response-length'])), `${sizes.join()}`);
});

withBoth(
  'each git status that asks our fsmonitor daemon, with what it was told and why',
  async (t, peers) => {
    const peer = await startJaeger(t, peers.jaeger);
    const repository = await makeRepository(t, peers.git);
    await commitFiles(repository, ['a', 'b']);
    const service = serviceName();
    const daemon = start(t, ['fsmonitor', 'run', '--trace', peer.endpoint, '--service-name', service], {
      cwd: repository.directory,
      env: { ...repository.env, PATH: `${dirname(repository.bin)}:${process.env['PATH']}` },
    });
    await untilListening(repository.socketPath, daemon.child);
    t.deepEqual((await gitStatus(repository)).modified, []);
    await writeFile(join(repository.directory, 'a'), 'changed');
    t.deepEqual((await gitStatus(repository)).modified, ['a']);
    await gitIn(repository, ['fsmonitor--daemon', 'stop']);
    t.is((await daemon.ended).code, 0);

    const spans = await servers(peer, service, 3);
    t.deepEqual(
      spans.map(({ name }) => name),
      ['query', 'query', 'quit'],
    );
    const [first, second] = spans.map(({ attributes }) => attributes);
    t.like(first, { 'simple_ipc.fsmonitor.paths': 0, 'simple_ipc.fsmonitor.trivial': 'first-use' });
    t.is(second?.['simple_ipc.fsmonitor.trivial'], undefined);
    t.is(second?.['simple_ipc.fsmonitor.paths'], 2, 'the file, and its directory');
    t.is(second?.['simple_ipc.fsmonitor.directories'], 1);
    t.true(Number(second?.['simple_ipc.fsmonitor.cookie_wait_ms']) > 0);
  },
);
