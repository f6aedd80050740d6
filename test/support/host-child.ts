/**
 * A process that holds servers as it is told over its IPC channel, and reports what becomes of them. Run by `host.ts`.
 *
 * What its servers answer: `pid`: its pid; `bytes N`: so many; `slowly N MS`: so many lines, with pauses between them;
 * `wait`: a line, and then nothing for ever; anything else: the same again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { serve, type Handler, type ServeOptions, type Server, type ServerStats } from '../../src/index.ts';
import type { EndReason } from '../../src/machines/pool.ts';

export type HostOptions = Omit<ServeOptions, 'telemetry' | 'onTransition' | 'signal'> & {
  /** Of the process, from then on. */
  readonly umask?: number;
};
export type HostOrder =
  | { type: 'serve'; id: number; path: string; options: HostOptions }
  | { type: 'close'; id: number; options: { drainTimeout?: number } };
export type HostReport =
  | { type: 'ready' }
  | { type: 'listening'; id: number }
  | { type: 'failed'; id: number; code: string; message: string }
  | { type: 'ended'; id: number; reason: EndReason; stats: ServerStats }
  | { type: 'notice'; message: string };

const servers = new Map<number, Server>();

const answer: Handler = async (request) => {
  const text = await request.text();
  const [word = '', count = '0', pause = '0'] = text.split(' ', 3);
  switch (word) {
    case 'pid':
      return String(process.pid);
    case 'bytes':
      return Buffer.alloc(Number(count), 'x');
    case 'slowly':
      return lines(Number(count), Number(pause));
    case 'wait':
      return lines(2, 2 ** 31 - 1);
    default:
      return text;
  }
};

async function* lines(count: number, pause: number): AsyncGenerator<string> {
  for (let line = 1; line <= count; line++) {
    if (line > 1) await sleep(pause);
    yield `${line}\n`;
  }
}

function report(what: HostReport): void {
  // Its parent may have gone.
  process.send!(what, () => {});
}

async function start({ id, path, options: given }: HostOrder & { type: 'serve' }): Promise<void> {
  const { umask, ...options } = given;
  if (umask !== undefined) process.umask(umask);
  try {
    const server = await serve(path, answer, options);
    servers.set(id, server);
    report({ type: 'listening', id });
    const { reason } = await server.closed;
    report({ type: 'ended', id, reason, stats: server.stats });
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    report({ type: 'failed', id, code, message });
  }
}

process.on('message', (order: HostOrder) => {
  if (order.type === 'serve') void start(order);
  else void servers.get(order.id)?.close(order.options);
});
process.on('warning', ({ name, message }) => {
  if (name === 'SimpleIpcWarning') report({ type: 'notice', message });
});
process.on('disconnect', () => process.exit());
report({ type: 'ready' });
