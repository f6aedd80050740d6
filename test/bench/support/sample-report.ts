/** A report of made-up but plausible figures, the same each time: for tests, and to look at. */
import { aggregate, type Measured, type Round } from '../../../bench/aggregate.ts';
import { makeHistogram } from '../../../bench/histogram.ts';
import type { Report, Sample, Scenario, ScenarioResult, ServerName } from '../../../bench/types.ts';
import { sampleOf, scenarioOf } from './sample.ts';

const ALL: readonly ServerName[] = [
  'node:net',
  'simple-ipc',
  'simple-ipc, interpreted',
  'simple-ipc, 1 % sampled',
  'simple-ipc, 100 % sampled',
  'git',
  'node:http',
  'grpc-js',
  'node-ipc',
  'vscode-jsonrpc',
  'sock-daemon',
];

/** Requests a second with 8 clients, CPU a request in microseconds, and how far its tail reaches. */
const PACE: Readonly<Record<ServerName, readonly [rate: number, cpu: number, tail: number]>> = {
  'node:net': [39_100, 24.4, 1],
  'simple-ipc': [38_200, 25.1, 1.1],
  'simple-ipc, interpreted': [14_200, 69, 1.6],
  'simple-ipc, 1 % sampled': [37_600, 25.4, 1.2],
  'simple-ipc, 100 % sampled': [33_100, 31.9, 2.4],
  git: [35_700, 29.6, 0.8],
  'node:http': [12_400, 78, 2],
  'grpc-js': [6_100, 162, 3],
  'node-ipc': [21_800, 45, 1.8],
  'vscode-jsonrpc': [24_300, 40.7, 1.5],
  'sock-daemon': [9_400, 103, 2.2],
  'no fsmonitor': [24, 0, 1],
  'system git': [25, 0, 1],
  'system git, by hook': [60, 0, 1],
};

const KEEPING: ReadonlySet<ServerName> = new Set(['grpc-js', 'node-ipc', 'vscode-jsonrpc']);

const VERSIONS: Partial<Record<ServerName, string>> = {
  'node:net': '24.21.0',
  git: '2.55.0',
  'node:http': '24.21.0',
  'grpc-js': '1.14.7',
  'node-ipc': '12.0.0',
  'vscode-jsonrpc': '10.0.0',
  'sock-daemon': '1.4.2',
};

const PING = scenarioOf({
  title: 'Eight clients send `ping` and read `pong`, again and again',
  servers: ALL,
  figures: ['CPU a request', 'requests a second', 'p50', 'p99', 'p99.9'],
});

const SAMPLE_SCENARIOS: readonly Scenario[] = [
  { ...PING, name: 'ping-1', title: 'One client does so', load: { ...PING.load, connections: 1 } },
  PING,
  {
    ...PING,
    name: 'rate-5k',
    title: 'Requests come at 5,000 a second, whether the last was answered or not',
    servers: ['node:net', 'simple-ipc', 'simple-ipc, 100 % sampled', 'git'],
    load: { ...PING.load, rate: 5_000 },
    figures: ['p99.9', 'p99', 'p50', 'CPU a request'],
  },
  {
    ...PING,
    name: 'answer-1g',
    title: 'One answer of 1 GiB',
    servers: ['node:net', 'simple-ipc', 'git'],
    load: { ...PING.load, connections: 1, answerBytes: 2 ** 30, amount: 1, duration: 0, warmUp: 0 },
    figures: ['MB a second', 'memory'],
  },
  {
    ...PING,
    name: 'idle-10k',
    title: 'The same eight, among 10,000 connections that say nothing',
    servers: ['node:net', 'simple-ipc', 'git'],
    load: { ...PING.load, idle: 10_000 },
    figures: ['memory an idle connection', 'CPU a request', 'p99'],
  },
  {
    ...PING,
    name: 'start',
    title: 'From the start of the process to its first answer',
    kind: 'start',
    servers: ['node:net', 'simple-ipc', 'git'],
    load: { ...PING.load, connections: 1, amount: 1 },
    figures: ['start to first answer'],
  },
];

const NOT_INSTALLED = 'It is not installed. `npm ci --prefix bench` installs the peers.';
const NO_ROOM = 'It has no room for that many connections.';

/** What each scenario goes without, and where the generator was too slow. */
const SKIPPED: Readonly<Record<string, ScenarioResult['skipped']>> = {
  'ping-8': [{ server: 'sock-daemon', reason: NOT_INSTALLED }],
  'idle-10k': [{ server: 'git', reason: NO_ROOM }],
};
const SATURATING: ReadonlySet<string> = new Set(['ping-8 node:net', 'ping-8 git']);

export function sampleReport(scenarios: readonly Scenario[] = SAMPLE_SCENARIOS): Report {
  const random = randomFrom(7);
  return {
    version: 1,
    date: '2026-11-23T04:50:12.000Z',
    command: "node bench/main.ts --scenarios 'ping-*' --json report.json",
    machine: {
      cpu: 'AMD EPYC 7R13 Processor',
      cores: 2,
      memory: 24 * 2 ** 30,
      os: 'Linux 6.1.0 x64',
      node: 'v24.21.0',
    },
    commit: 'aa635bfc81e1128085ee313da65d634cee01306d',
    scenarios: scenarios.map((scenario) => measure(scenario, random)),
    growth: [
      {
        name: 'connections',
        title: 'Clients at once, each with one request',
        axis: 'connections',
        figure: 'CPU of the server for one request of each',
        unit: 'us',
        points: [1, 10, 100, 1_000, 10_000].map((at) => ({ at, value: 24.9 * at ** 1.02 })),
        exponent: 1.02,
      },
      {
        name: 'answer',
        title: 'An answer of so many bytes',
        axis: 'bytes of the answer',
        figure: 'CPU of the server for one answer',
        unit: 'us',
        points: [1, 2 ** 10, 2 ** 14, 2 ** 17, 2 ** 20, 2 ** 24, 2 ** 27, 2 ** 30].map((at) => ({
          at,
          value: 25 + at / 2_100,
        })),
        exponent: 1,
      },
      {
        name: 'concurrency',
        title: 'A thousand clients, of whose requests so many may run at once',
        axis: 'concurrency',
        figure: 'CPU of the server for so many requests',
        unit: 'us',
        points: [1, 10, 100, 1_000].map((at) => ({ at, value: 31 * at ** 1.24 })),
        exponent: 1.24,
      },
    ],
    targets: [
      {
        number: 1,
        what: 'Actors on, telemetry off: CPU a request against the floor, at 1, 8 and 32 clients',
        asked: 'at most 1.05×',
        reached: '1.03×, 1.03×, 1.04×',
        met: true,
      },
      {
        number: 2,
        what: "Ahead of git's C server: throughput at 8 and 32 clients, and at 1",
        asked: 'at least 1.0×, and 1.3×',
        reached: '1.07×, 0.98×, 1.31×',
        met: false,
      },
      {
        number: 3,
        what: '100 % sampled to a live collector: throughput against telemetry off',
        asked: 'at least 0.85×',
        reached: '0.87×',
        met: true,
      },
      {
        number: 6,
        what: "fsmonitor: a `git status` against that with git's own daemon",
        asked: 'at most 1.1×',
        reached: 'no git 2.55 on this machine',
        met: undefined,
      },
    ],
    jaeger: 'http://127.0.0.1:16686',
  };
}

function measure(scenario: Scenario, random: () => number): ScenarioResult {
  const skipped = SKIPPED[scenario.name] ?? [];
  const missing = new Set(skipped.map(({ server }) => server));
  const servers = scenario.servers.filter((server) => !missing.has(server));
  const rounds = Array.from(
    { length: 5 },
    (): Round => new Map(servers.map((server) => [server, measured(server, scenario, random)])),
  );
  return { scenario, repeats: rounds.length, results: aggregate(scenario, rounds), skipped };
}

function measured(server: ServerName, scenario: Scenario, random: () => number): Measured {
  const [pace, cpu, tail] = PACE[server];
  const jitter = 1 + (random() - 0.5) * 0.06;
  const { load, kind, name } = scenario;
  const seconds = 2;
  const rate = load.rate > 0 ? load.rate : pace * jitter * Math.min(load.connections / 8 + 0.2, 1);
  const isLong = load.requestBytes + load.answerBytes > 2 ** 20;
  const requests = kind === 'start' || load.amount > 0 ? 1 : Math.round(isLong ? rate / 200 : rate * seconds);
  const counts = latencies(server, middleOf(scenario, server, rate), tail, requests, random);
  const isTraced = server === 'simple-ipc, 100 % sampled';
  const isFailing = server === 'node-ipc';
  const before = 60 * 2 ** 20;
  const grown = (load.idle > 0 ? load.idle * (server === 'simple-ipc' ? 5_400 : 4_200) : 9e6) * jitter;
  const sample: Sample = sampleOf({
    requests,
    errors: isFailing ? 7 : 0,
    errorKinds: isFailing ? { ECONNRESET: 5, 'the answer is not whole': 2 } : {},
    elapsed: seconds * 1e6,
    connect: makeHistogram(counts.map(([value, times]) => [value * 0.3, times])),
    firstByte: makeHistogram(counts.map(([value, times]) => [value * 0.9, times])),
    lastByte: makeHistogram(counts),
    bytesSent: requests * load.requestBytes,
    bytesReceived: isLong ? 2.1e9 * seconds * jitter * Math.sqrt(pace / 39_100) : requests * load.answerBytes,
    serverCpu: requests * cpu * jitter,
    serverThreadCpu: requests * cpu * jitter * (server === 'git' ? 0.1 : isTraced ? 0.8 : 0.99),
    rss: { before, idle: before + grown, peak: before + grown * 1.1 },
    generatorBusy: (SATURATING.has(`${name} ${server}`) ? 0.94 : 0.6) + random() * 0.02,
    counted: isTraced ? { served: requests, dropped: 12 } : {},
    slowest: isTraced ? slowest(random) : [],
  });
  return {
    server: { version: VERSIONS[server] ?? '0.1.0', connectionPerRequest: !KEEPING.has(server) },
    sample,
  };
}

function slowest(random: () => number): Sample['slowest'] {
  return Array.from({ length: 3 }, () => ({
    traceId: Math.floor(random() * 2 ** 48)
      .toString(16)
      .padStart(32, 'a'),
    duration: Math.round(4_000 + random() * 9_000),
  }));
}

/** Half of the requests take so long, in microseconds. Closed loop: Little's law. Open loop: hardly any waiting. */
function middleOf({ kind, load }: Scenario, server: ServerName, rate: number): number {
  if (kind === 'start') return server === 'git' ? 4_000 : 45_000;
  if (load.requestBytes + load.answerBytes > 2 ** 20) return 5.1e5;
  return load.rate > 0 ? 2.4e6 / PACE[server][0] : (0.93 * load.connections * 1e6) / rate;
}

/** A log-normal body with a hump of slow ones behind it, as collections of garbage make it. */
function latencies(
  server: ServerName,
  middle: number,
  tail: number,
  requests: number,
  random: () => number,
): [number, number][] {
  const drawn = Math.min(requests, 4_000);
  const each = requests / drawn;
  return Array.from({ length: drawn }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const late = random() < 0.004 * tail ? 4 + random() * 14 * tail : 1;
    const sharp = server === 'git' ? 0.34 : 0.2;
    return [middle * late * Math.exp(normal * sharp), Math.max(1, Math.round(each))];
  });
}

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
