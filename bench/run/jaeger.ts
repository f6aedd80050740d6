/** A Jaeger of one's own, with everything in memory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '../types.ts';
import { isExecutable, peersDirectory } from './programs.ts';

export interface JaegerProcess {
  readonly pid: number;
  /** Where it takes OTLP over HTTP: the base URL. */
  readonly otlp: string;
  /** Where its API is. */
  readonly query: string;
  /** Ends it, and with it its traces. */
  close(): Promise<void>;
}

/** How long it may take until it is healthy, in milliseconds. It is half a second. */
const PATIENCE = 30_000;
const POLL = 20;
/** More than anybody looks at. A search for more than are kept is refused. */
const MAX_TRACES = 20_000;

/**
 * Looks at SIMPLE_IPC_JAEGER (and then nowhere else), and where `.ci/peers/jaeger.sh` puts it.
 *
 * @throws {Unavailable}
 */
export function findJaeger(env: NodeJS.ProcessEnv = process.env): string {
  const bin = env['SIMPLE_IPC_JAEGER'] || join(peersDirectory(env), 'jaeger', 'bin', 'jaeger');
  if (isExecutable(bin)) return bin;
  throw new Unavailable(
    `There is no Jaeger at ${bin}: run .ci/peers/jaeger.sh, or set SIMPLE_IPC_JAEGER to one.`,
  );
}

/**
 * The parameters of its API v3, each in both cases: Jaeger 2.13 wants snake case, later ones may want camel case. What
 * they do not know they ignore.
 */
export function inBothCases(parameters: Readonly<Record<string, string>>, prefix = ''): URLSearchParams {
  return new URLSearchParams(
    Object.entries(parameters).flatMap(([name, value]): [string, string][] => [
      [prefix + name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value],
      [prefix + name, value],
    ]),
  );
}

/** How Go collects garbage there: as docker-compose.yml has it. */
const AS_COMPOSED = { GOGC: '400', GOMEMLIMIT: '700MiB' };

/** Starts one on free ports of 127.0.0.1, or with OTLP on a given one, and waits until it is healthy. */
export async function startJaeger(bin: string, port?: number): Promise<JaegerProcess> {
  // Another process may take a port between its being found free and Jaeger's start: then with others.
  for (let tries = 1; ; tries++) {
    const [free = 0, api = 0, health = 0] = await freePorts(3);
    const otlp = port ?? free;
    const child = spawn(bin, [`--config=yaml:${JSON.stringify(configuration(otlp, api, health))}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...AS_COMPOSED },
    });
    const ended = once(child, 'close');
    const log = logOf(child);
    const close = async () => {
      // There is nothing to keep, and its own way out can take ten seconds.
      child.kill('SIGKILL');
      await ended;
    };
    let healthy: boolean;
    try {
      healthy = await isHealthy(child, `http://127.0.0.1:${health}/status`, log);
    } catch (error) {
      await close();
      throw error;
    }
    if (healthy) {
      return { pid: child.pid!, otlp: `http://127.0.0.1:${otlp}`, query: `http://127.0.0.1:${api}`, close };
    }
    await ended;
    if (tries === 3 || !log().includes('address already in use')) {
      throw new Error(`Jaeger ended at its start:\n${log()}`);
    }
  }
}

function configuration(otlp: number, api: number, health: number) {
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
    extensions: {
      healthcheckv2: { use_v2: true, http: { endpoint: `127.0.0.1:${health}` } },
      jaeger_storage: { backends: { memory: { memory: { max_traces: MAX_TRACES } } } },
      jaeger_query: {
        storage: { traces: 'memory' },
        http: { endpoint: `127.0.0.1:${api}` },
        grpc: { endpoint: '127.0.0.1:0' },
      },
    },
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
      extensions: ['healthcheckv2', 'jaeger_storage', 'jaeger_query'],
      // No batch processor: what has been answered has been stored.
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
    },
  };
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** The end of what it writes to stderr. */
function logOf(child: ChildProcess): () => string {
  let log = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4000)));
  return () => log;
}

/** Whether it comes up; false when it ends instead. */
async function isHealthy(child: ChildProcess, url: string, log: () => string): Promise<boolean> {
  const until = performance.now() + PATIENCE;
  while (child.exitCode === null && child.signalCode === null) {
    if (performance.now() > until) throw new Error(`Jaeger does not get healthy at ${url}:\n${log()}`);
    if (await answers(url)) return true;
    await sleep(POLL);
  }
  return false;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
    await response.arrayBuffer();
    return response.ok;
  } catch (error) {
    // Not listening yet.
    if (error instanceof TypeError) return false;
    throw error;
  }
}
