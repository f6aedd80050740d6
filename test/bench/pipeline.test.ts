import test from 'ava';
import { makeHistogram } from '../../bench/histogram.ts';
import { type Pipeline, runScenario } from '../../bench/pipeline.ts';
import { PING } from '../../bench/scenarios.ts';
import { type RunningServer, type Sample, type Scenario, Unavailable } from '../../bench/types.ts';

const scenario: Scenario = {
  name: 'ping',
  title: 'Ping',
  kind: 'load',
  generator: 'c',
  servers: ['node:net', 'simple-ipc', 'git'],
  baseline: 'node:net',
  load: { ...PING, warmUp: 30, duration: 200 },
  fresh: false,
  figures: ['requests a second'],
};

const sample: Sample = {
  requests: 100,
  errors: 0,
  errorKinds: {},
  elapsed: 1e6,
  connect: makeHistogram(),
  firstByte: makeHistogram(),
  lastByte: makeHistogram([[50, 100]]),
  bytesSent: 400,
  bytesReceived: 400,
  serverCpu: 1_000,
  serverThreadCpu: 900,
  rss: undefined,
  generatorBusy: 0.5,
  counted: {},
  slowest: [],
};

/** A pipeline that only writes down what it would do. */
function recording(overrides: Partial<Pipeline> = {}): { pipeline: Pipeline; log: string[] } {
  const log: string[] = [];
  const pipeline: Pipeline = {
    repeats: 3,
    settle: 1_000,
    otlp: undefined,
    trace: false,
    startServer: async (name, settings) => {
      log.push(`start ${name} ${settings.requestBytes}/${settings.answerBytes}`);
      return {
        name,
        version: '1',
        connectionPerRequest: true,
        path: `/${name}`,
        pid: 1,
        serviceName: name.endsWith('sampled') ? `service of ${name}` : undefined,
        counts: async () => ({}),
        close: async () => void log.push(`close ${name}`),
      } satisfies RunningServer;
    },
    generate: async (server, load) => {
      log.push(`${server.name} ${load.warmUp}+${load.duration}`);
      return sample;
    },
    progress: { part: () => {}, at: () => {}, note: () => {}, done: () => {} },
    slowest: async () => [],
    ...overrides,
  };
  return { pipeline, log };
}

test('each server is started and warmed up once, then measured once a round, each of them first in its turn', async (t) => {
  const { pipeline, log } = recording();
  const { results, repeats } = await runScenario(scenario, pipeline);
  t.deepEqual(log, [
    'start node:net 4/4',
    'start simple-ipc 4/4',
    'start git 4/4',
    'node:net 0+1000',
    'simple-ipc 0+1000',
    'git 0+1000',
    ...[
      'node:net',
      'simple-ipc',
      'git',
      'simple-ipc',
      'git',
      'node:net',
      'git',
      'node:net',
      'simple-ipc',
    ].map((name) => `${name} 30+200`),
    'close node:net',
    'close simple-ipc',
    'close git',
  ]);
  t.is(repeats, 3);
  t.deepEqual(
    results.map(({ server, requests }) => [server, requests]),
    [
      ['node:net', 300],
      ['simple-ipc', 300],
      ['git', 300],
    ],
  );
});

test('a server that is not there is named, and the others are measured', async (t) => {
  const { pipeline } = recording();
  const { results, skipped } = await runScenario(scenario, {
    ...pipeline,
    startServer: async (name, settings) => {
      if (name === 'git') throw new Unavailable('no git here');
      return pipeline.startServer(name, settings);
    },
  });
  t.deepEqual(skipped, [{ server: 'git', reason: 'no git here' }]);
  t.deepEqual(
    results.map(({ server }) => server),
    ['node:net', 'simple-ipc'],
  );
});

test('a server that fails in a round is measured no more, and closed with the others', async (t) => {
  const { pipeline, log } = recording();
  let runs = 0;
  const { results, skipped } = await runScenario(scenario, {
    ...pipeline,
    generate: async (server, load, generator) => {
      // The warm-up, and one round.
      if (server.name === 'git' && ++runs > 2) throw new Error('git is stuck');
      return pipeline.generate(server, load, generator);
    },
  });
  t.deepEqual(skipped, [{ server: 'git', reason: 'git is stuck' }]);
  t.is(results.find(({ server }) => server === 'git')?.requests, 100);
  t.is(results.find(({ server }) => server === 'simple-ipc')?.requests, 300);
  t.deepEqual(log.slice(-3), ['close node:net', 'close simple-ipc', 'close git']);
});

test('what is traced has its slowest requests; without a Jaeger it is skipped, with what to do', async (t) => {
  const traced: Scenario = { ...scenario, servers: ['node:net', 'simple-ipc, 100 % sampled'] };
  const slowest = [{ traceId: 'ab', duration: 900 }];
  const asked: string[] = [];
  const { pipeline } = recording({
    otlp: 'http://127.0.0.1:1',
    slowest: async (service) => {
      asked.push(service);
      return slowest;
    },
  });
  const { results } = await runScenario(traced, pipeline);
  t.deepEqual(asked, ['service of simple-ipc, 100 % sampled']);
  t.deepEqual(results[1]?.slowest, slowest);
  t.deepEqual(results[0]?.slowest, []);

  const { skipped } = await runScenario(traced, { ...pipeline, otlp: undefined });
  t.deepEqual(
    skipped.map(({ server }) => server),
    ['simple-ipc, 100 % sampled'],
  );
  t.regex(skipped[0]!.reason, /jaeger\.sh/);
});

test('an interruption ends it, and closes every server', async (t) => {
  const interrupted = new AbortController();
  const { pipeline, log } = recording({
    signal: interrupted.signal,
    generate: async () => {
      interrupted.abort(new Error('interrupted'));
      throw new Error('The generator ended.');
    },
  });
  await t.throwsAsync(runScenario(scenario, pipeline), { message: 'interrupted' });
  t.deepEqual(log.slice(-3), ['close node:net', 'close simple-ipc', 'close git']);
});

test('load that ends by its amount is made once before the rounds', async (t) => {
  const { pipeline, log } = recording();
  await runScenario(
    { ...scenario, servers: ['simple-ipc'], load: { ...scenario.load, duration: 0, amount: 1 } },
    pipeline,
  );
  t.deepEqual(log.slice(1, 3), ['simple-ipc 0+0', 'simple-ipc 30+0']);
});

test('where memory matters, each round has servers of its own', async (t) => {
  const { pipeline, log } = recording({ repeats: 2 });
  const { results } = await runScenario(
    { ...scenario, servers: ['node:net', 'simple-ipc'], fresh: true },
    pipeline,
  );
  const round = (...names: string[]) =>
    names.flatMap((name) => [`start ${name} 4/4`, `${name} 30+200`, `close ${name}`]);
  t.deepEqual(log, round('node:net', 'simple-ipc', 'simple-ipc', 'node:net'));
  t.deepEqual(
    results.map(({ requests }) => requests),
    [200, 200],
  );
});
