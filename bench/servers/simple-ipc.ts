/** This package, as its users run it. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Handler, serve } from '../../dist/index.js';
import type { RunningTelemetry } from '../../dist/telemetry/index.js';
import { MAX_DATA } from '../run/pkt-line.ts';
import { serverChild } from '../run/server-child.ts';

/** A request or an answer up to this length is handled whole; a longer one is streamed. */
const WHOLE = 2 ** 20;
/** A request of this length is `ping`, and an answer of it `pong`. */
const PING = 4;

const { path, settings, listening } = serverChild({
  counts: () => ({ served: server.stats.ended.answered, ...telemetryCounts() }),
  async close() {
    await server.close();
    await telemetry?.shutdown();
  },
});
const { requestBytes, answerBytes, handlerTime = 0 } = settings;

/** Used again for each chunk of a long answer. */
const answer = Buffer.alloc(answerBytes <= WHOLE ? answerBytes : MAX_DATA, 'a');

async function* chunks(): AsyncGenerator<Uint8Array> {
  let left = answerBytes;
  for (; left > answer.length; left -= answer.length) yield answer;
  yield answer.subarray(0, left);
}

const ping: Handler = async (request) => ((await request.text()) === 'ping' ? 'pong' : '?');

async function drain(request: AsyncIterable<Uint8Array>): Promise<void> {
  let bytes = 0;
  for await (const chunk of request) bytes += chunk.length;
  if (bytes !== requestBytes) throw new Error(`A request of ${bytes} bytes, not ${requestBytes}.`);
}

const any: Handler = async (request) => {
  if (requestBytes <= WHOLE) await request.bytes();
  else await drain(request);
  if (handlerTime > 0) await delay(handlerTime);
  return answerBytes === PING ? 'pong' : answerBytes <= WHOLE ? answer : chunks();
};

const isPing = requestBytes === PING && answerBytes === PING && handlerTime === 0;

const telemetry = settings.sampleRatio === undefined ? undefined : await traced();

async function traced(): Promise<RunningTelemetry> {
  const { startTelemetry } = await import('../../dist/telemetry/index.js');
  const { otlp, sampleRatio, serviceName } = settings;
  return startTelemetry({
    ...(otlp !== undefined && { endpoint: otlp }),
    ...(sampleRatio !== undefined && { sampleRatio }),
    ...(serviceName !== undefined && { serviceName }),
  });
}

function telemetryCounts(): Record<string, number> {
  if (telemetry === undefined) return {};
  const { recorded, unsampled, exported, dropped } = telemetry.stats;
  return {
    recorded,
    unsampled,
    exported,
    dropped: Object.values(dropped).reduce((sum, one) => sum + one, 0),
  };
}

const server = await serve(path, isPing ? ping : any, {
  interpreted: settings.interpreted === true,
  // 10,000 idle connections are the default's limit alone.
  maxConnections: 20_000,
  ...(settings.concurrency !== undefined && { concurrency: settings.concurrency }),
  ...(telemetry !== undefined && { telemetry }),
});

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
listening({ version });
