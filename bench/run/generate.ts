/** One run of a load against a server, and what the server used for it. */
import { fileURLToPath } from 'node:url';
import { makeHistogram } from '../histogram.ts';
import type { Generate, GeneratorKind, Load, RunningServer, Sample } from '../types.ts';
import { compileGenerator } from './compile.ts';
import { toFlags } from './generator-options.ts';
import { startGenerator } from './generator-process.ts';
import { kindOf } from './servers.ts';
import { cpuBetween, cpuOf, residentOf, watchPeak } from './usage.ts';

/** A request of this length is `ping`, or what the server has instead. */
const PING = 4;
/** What a generator takes at most beside the load: it waits 10 s for each load to end, and 10 s for idle connections. */
const BESIDE_THE_LOAD = 60_000;
/** What a load without a limit of time may take, in milliseconds. */
const LONGEST_LOAD = 1_800_000;

/** @throws {Unavailable} where the generator cannot be compiled */
export const generate: Generate = async (server, load, generator, signal) => {
  signal?.throwIfAborted();
  const [program, ...parameters] = await commandOf(server, load, generator);
  const timeout = load.warmUp + (load.duration || LONGEST_LOAD) + BESIDE_THE_LOAD;
  const run = startGenerator(program, parameters, timeout, signal);
  let peakOf: (() => number | undefined) | undefined;
  try {
    await run.reaches('warm');
    const resident = residentOf(server.pid);
    peakOf = watchPeak(server.pid);

    await run.reaches('measuring');
    const withIdle = residentOf(server.pid);
    const countsBefore = await server.counts();
    const cpuBefore = cpuOf(server.pid);
    await run.reaches('measured');
    const cpu = cpuBetween(cpuBefore, cpuOf(server.pid));
    const rss = memory(resident, withIdle, peakOf());
    const counted = difference(await server.counts(), countsBefore);

    const { connect, firstByte, lastByte, busy, backlogFull: _, ...result } = await run.result();
    return {
      ...result,
      connect: makeHistogram(connect),
      firstByte: makeHistogram(firstByte),
      lastByte: makeHistogram(lastByte),
      serverCpu: cpu?.all,
      serverThreadCpu: cpu?.mainThread,
      rss,
      generatorBusy: busy,
      counted,
      slowest: [],
    } satisfies Sample;
  } finally {
    peakOf?.();
    await run.close();
  }
};

async function commandOf(
  server: RunningServer,
  load: Load,
  generator: GeneratorKind,
): Promise<[program: string, ...parameters: string[]]> {
  const kind = kindOf(server.name);
  const flags = toFlags({
    path: server.path,
    requestText: load.requestBytes === PING ? (kind.ping ?? 'ping') : undefined,
    // git answers what it likes.
    answerBytes: kind.file === 'git' ? -1 : load.answerBytes,
    load,
  });
  if (generator === 'node')
    return [
      process.execPath,
      fileURLToPath(new URL('node-generator.ts', import.meta.url)),
      kind.client,
      ...flags,
    ];
  if (kind.ping === undefined)
    throw new Error(
      `${server.name} does not speak pkt-line: its load has to come from the generator 'node'.`,
    );
  return [await compileGenerator(), ...flags];
}

function memory(before?: number, idle?: number, peak?: number): Sample['rss'] {
  if (before === undefined || idle === undefined || peak === undefined) return undefined;
  return { before, idle, peak: Math.max(before, idle, peak) };
}

function difference(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]),
  );
}
