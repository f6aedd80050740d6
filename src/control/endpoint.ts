import { PassThrough } from 'node:stream';
import { invalidArgument, reasonOf } from '../runtime/errors.ts';
import type { ControlledServer, ControlOf } from '../runtime/server.ts';
import { ageOf } from '../runtime/rendezvous/status.ts';
import type { Answer } from '../runtime/types.ts';
import { ndjsonSink } from '../telemetry/ndjson.ts';
import { summarise } from './summary.ts';
import type { ControlWord, LiveStatus } from './types.ts';

/** How long the reader of events has left to take the last of them when the server has ended, in milliseconds. */
const PATIENCE = 1_000;

type Options = Readonly<Record<string, unknown>>;

/**
 * What answers at a server's control endpoint. A request is one word, and behind a space there may be options as a JSON
 * object; an answer is JSON, one object a line, `{"error":"..."}` where it can't be done.
 */
export const controlOf: ControlOf =
  (server) =>
  async (request, { signal }) => {
    const text = await request.text();
    try {
      const { word, options } = parse(text);
      return answer(server, word, options, signal);
    } catch (error) {
      return line({ error: reasonOf(error) });
    }
  };

function parse(text: string): { word: ControlWord; options: Options } {
  const [, word = '', json = ''] = /^(\S*)\s*(.*)$/su.exec(text) ?? [];
  if (!['status', 'stop', 'handover', 'events'].includes(word))
    throw invalidArgument(
      `${JSON.stringify(word)} is not known here: ask for status, stop, handover or events.`,
    );
  if (json === '') return { word: word as ControlWord, options: {} };
  let options: unknown;
  try {
    options = JSON.parse(json);
  } catch {
    options = undefined;
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidArgument(
      `Behind ${word} stand its options as a JSON object, such as {"drainTimeout":1000}, or nothing.`,
    );
  return { word: word as ControlWord, options: options as Options };
}

function answer(server: ControlledServer, word: ControlWord, options: Options, signal: AbortSignal): Answer {
  switch (word) {
    case 'status':
      return line({ ...server.status, live: liveStatus(server) });
    case 'stop':
      return stop(server, options);
    case 'handover':
      server.handOver();
      return line({ state: server.state });
    case 'events':
      return limited(
        server,
        options['interval'] === undefined ? events(server, signal) : summaries(server, options, signal),
      );
  }
}

function liveStatus(server: ControlledServer): LiveStatus {
  const { rss, heapUsed } = process.memoryUsage();
  return {
    state: server.state,
    uptime: server.status === undefined ? 0 : ageOf(server.status),
    stats: server.stats,
    memory: { rss, heapUsed },
    drainTimeout: server.drainTimeout,
  };
}

/** Says at once that it drains, and in the end how it ended. */
async function* stop(
  server: ControlledServer,
  { drainTimeout }: Options,
): AsyncGenerator<string, void, void> {
  const closing = server.close(drainTimeout === undefined ? {} : { drainTimeout: drainTimeout as number });
  try {
    // A wrong time is refused at once; the server itself closes after it has answered this.
    await Promise.race([closing, new Promise((resolve) => setImmediate(resolve))]);
  } catch (error) {
    yield line({ error: reasonOf(error) });
    return;
  }
  yield line({ state: 'draining', open: server.stats.open });
  const { reason } = await server.served;
  yield line({ ended: reason, stats: server.stats });
}

/** How many may follow a server's events at once. It takes twice as many connections: others can always ask, and stop it. */
const MOST_READERS = 32;
const readers = new WeakMap<ControlledServer, number>();

/** Lines for one more reader of events, or why there can't be one. */
async function* limited(
  server: ControlledServer,
  lines: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<Uint8Array | string, void, void> {
  const others = readers.get(server) ?? 0;
  if (others >= MOST_READERS) {
    const error = `${others} others follow its events already, which is the most. Wait until one of them ends.`;
    yield line({ error, code: 'SIMPLE_IPC_BUSY' });
    return;
  }
  readers.set(server, others + 1);
  try {
    yield* lines;
  } finally {
    readers.set(server, (readers.get(server) as number) - 1);
  }
}

/** Each transition, for as long as the client stays and the server runs. What a slow reader leaves is dropped and counted. */
async function* events(
  server: ControlledServer,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const out = new PassThrough();
  const sink = ndjsonSink(out);
  const finish = async () => {
    await sink.close(PATIENCE);
    out.end();
  };
  // Not by `served`: who waits for that stays in memory until then, long after its client has left.
  const detach = server.observe((transition) => {
    sink.write(transition);
    if (transition.machine === 'pool' && transition.output !== undefined) void finish();
  });
  if (server.state === 'stopped' || server.state === 'failed') void finish();
  const leave = () => out.destroy();
  signal.addEventListener('abort', leave, { once: true });
  try {
    yield* out as AsyncIterable<Uint8Array>;
  } finally {
    detach();
    signal.removeEventListener('abort', leave);
  }
}

async function* summaries(
  server: ControlledServer,
  { interval }: Options,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  try {
    for await (const summary of summarise(server, server.observe, interval as number, signal))
      yield line(summary);
  } catch (error) {
    yield line({ error: reasonOf(error) });
  }
}

function line(object: object): string {
  return `${JSON.stringify(object)}\n`;
}
