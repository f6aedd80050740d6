/** From the start of a server's process to its first answer. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Measured } from '../aggregate.ts';
import { makeHistogram, record } from '../histogram.ts';
import type { ServerName, ServerSettings, StartServer } from '../types.ts';
import { kindOf } from './servers.ts';
import { startSample } from './start-sample.ts';

export async function measureStart(
  name: ServerName,
  settings: ServerSettings,
  startServer: StartServer,
): Promise<Measured> {
  const begun = performance.now();
  const server = await startServer(name, settings);
  try {
    const bytesReceived = await ask(server.path, kindOf(name).ping ?? 'ping');
    const took = (performance.now() - begun) * 1_000;
    const lastByte = makeHistogram();
    record(lastByte, took);
    const sample = startSample({
      requests: 1,
      elapsed: took,
      lastByte,
      bytesSent: settings.requestBytes,
      bytesReceived,
    });
    return { server, sample };
  } finally {
    await server.close();
  }
}

/** Asks by hand: a client's own start is not what is measured. */
async function ask(path: string, text: string): Promise<number> {
  const socket = connect(path);
  socket.write(`${(text.length + 4).toString(16).padStart(4, '0')}${text}0000`);
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
  await once(socket, 'close');
  if (!answer.endsWith('0000')) throw new Error(`The first answer was cut off: ${JSON.stringify(answer)}`);
  return answer.length;
}
