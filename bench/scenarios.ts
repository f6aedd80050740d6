/** What is measured. */
import type { FigureName, Load, Scenario, ServerName, Tree } from './types.ts';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** What most requests on this protocol are: a word, and a word in return. */
export const PING: Load = {
  connections: 8,
  idle: 0,
  requestBytes: 4,
  answerBytes: 4,
  rate: 0,
  duration: 2_000,
  amount: 0,
  warmUp: 300,
  readRate: 0,
  sleeps: true,
};

/** One request of such a size is enough. */
const ONE: Partial<Load> = { connections: 1, duration: 0, amount: 1, warmUp: 0 };

const PROTOCOL: readonly ServerName[] = ['node:net', 'simple-ipc', 'git'];
const OURS: readonly ServerName[] = ['node:net', 'simple-ipc'];
const PEERS: readonly ServerName[] = [
  'simple-ipc',
  'node:net',
  'node:http',
  'grpc-js',
  'node-ipc',
  'vscode-jsonrpc',
  'sock-daemon',
];

const SPEED: readonly FigureName[] = ['CPU a request', 'requests a second', 'p50', 'p99', 'p99.9'];
const LATENCY: readonly FigureName[] = ['p50', 'p99', 'p99.9', 'requests a second', 'CPU a request'];
const VOLUME: readonly FigureName[] = ['MB a second', 'memory', 'CPU a request'];

export const SCENARIOS: readonly Scenario[] = [
  scenario('ping-1', 'One client sends `ping` and reads `pong`, again and again', PROTOCOL, SPEED, {
    connections: 1,
  }),
  scenario('ping-8', 'Eight clients do so at once', PROTOCOL, SPEED, {}),
  scenario('idle-10k', 'The same eight, among 10,000 connections that say nothing', OURS, SPEED, {
    idle: 10_000,
  }),
  // A server that has served much has memory to spare, and one that has served nothing has yet to load much of its code.
  scenario(
    'idle-memory',
    'What 10,000 connections that say nothing take, on a server that has served a few hundred requests',
    OURS,
    ['memory an idle connection'],
    { idle: 10_000, warmUp: 50, duration: 100 },
  ),
  scenario('ping-32', 'Thirty-two clients do so at once', PROTOCOL, SPEED, { connections: 32 }),
  scenario(
    'spin-8',
    'Eight clients that never sleep, so that the server never pays for waking them',
    OURS,
    SPEED,
    {
      sleeps: false,
    },
  ),
  scenario(
    'rate-5k',
    'Requests come at 5,000 a second, whether the last was answered or not',
    PROTOCOL,
    LATENCY,
    {
      rate: 5_000,
    },
  ),
  scenario('64k', 'Eight clients send 64 KiB and read 64 KiB', OURS, ['MB a second', ...SPEED], {
    requestBytes: 64 * KIB,
    answerBytes: 64 * KIB,
  }),
  scenario('request-1g', 'One request of 1 GiB', PROTOCOL, VOLUME, { ...ONE, requestBytes: GIB }),
  scenario('answer-1g', 'One answer of 1 GiB', OURS, VOLUME, { ...ONE, answerBytes: GIB }),
  scenario(
    'slow-readers',
    'Sixty-four clients that take an answer of 1 MiB at 2 MiB a second',
    OURS,
    ['memory', 'CPU a request', 'MB a second'],
    { connections: 64, answerBytes: MIB, readRate: 2 * MIB },
  ),
  {
    ...scenario(
      'telemetry',
      'Eight clients, and every request a trace: of none, of one in a hundred, of all, to a live Jaeger',
      ['simple-ipc', 'simple-ipc, 1 % sampled', 'simple-ipc, 100 % sampled'],
      ['requests a second', 'CPU a request, main thread', 'CPU a request', 'p99', 'p99.9'],
      {},
    ),
    baseline: 'simple-ipc',
  },
  {
    ...scenario(
      'interpreted',
      'Machines compiled, as is the default, and interpreted by XState',
      ['simple-ipc', 'simple-ipc, interpreted'],
      SPEED,
      {},
    ),
    baseline: 'simple-ipc',
  },
  {
    ...scenario(
      'start',
      'From the start of the process to its first answer',
      OURS,
      ['start to first answer'],
      {
        connections: 1,
        amount: 1,
      },
    ),
    kind: 'start',
  },
  ...(
    [
      ['send-start', '`send --start`: a command that starts its server, from its start to its end'],
      ['send', '`send`: a command that finds its server there, from its start to its end'],
    ] as const
  ).map(([name, title]) => ({
    ...scenario(name, title, OURS, ['start to first answer'], { connections: 1, amount: 1 }),
    kind: 'start' as const,
  })),
  fsmonitor('fsmonitor-5k', { directories: 5_000, files: 20_000 }),
  fsmonitor('fsmonitor-50k', { directories: 50_000, files: 200_000 }),
  {
    ...scenario('peers-ping', 'Eight clients of each library, in its own way', PEERS, LATENCY, {}),
    generator: 'node',
    baseline: 'simple-ipc',
  },
  {
    ...scenario(
      'peers-64k',
      'The same with 64 KiB each way',
      PEERS,
      ['p50', 'MB a second', 'p99', 'CPU a request'],
      {
        requestBytes: 64 * KIB,
        answerBytes: 64 * KIB,
      },
    ),
    generator: 'node',
    baseline: 'simple-ipc',
  },
];

function scenario(
  name: string,
  title: string,
  servers: readonly ServerName[],
  figures: readonly FigureName[],
  differs: Partial<Load>,
): Scenario {
  return {
    name,
    title,
    kind: 'load',
    generator: 'c',
    servers,
    baseline: 'node:net',
    load: { ...PING, ...differs },
    fresh: figures.some((figure) => figure.startsWith('memory')),
    figures,
  };
}

function fsmonitor(name: string, tree: Tree): Scenario {
  return {
    ...scenario(
      name,
      '`git status` where nothing has changed: by looking at every file, and by asking a daemon that watches them',
      ['no fsmonitor', 'git', 'simple-ipc', 'system git', 'system git, by hook'],
      ['git status', 'query', 'start to ready', 'resident memory', 'idle CPU'],
      { connections: 1, warmUp: 0, amount: 60, duration: 3_000, tree },
    ),
    kind: 'fsmonitor',
    baseline: 'git',
  };
}

/** Too large for a quick run, and small it would be the same as another. */
export function onlyInFull({ load }: Scenario): boolean {
  return load.tree !== undefined && load.tree.directories > 10_000;
}

/** The same, small enough to show within seconds that it runs. Its figures say nothing. */
export function quick(full: Scenario): Scenario {
  const { load } = full;
  const small = (bytes: number) => Math.min(bytes, 4 * MIB);
  return {
    ...full,
    load: {
      ...load,
      idle: Math.min(load.idle, 200),
      duration: load.duration === 0 ? 0 : 150,
      warmUp: 0,
      requestBytes: small(load.requestBytes),
      answerBytes: load.readRate > 0 ? 64 * KIB : small(load.answerBytes),
      ...(load.tree !== undefined && { amount: 2, tree: { directories: 200, files: 800 } }),
    },
  };
}
