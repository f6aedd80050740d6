/**
 * A process that starts and stops servers as it is told, and is killed at a step when it is told that. Run by
 * `starter.ts`.
 */
import type { Server } from 'node:net';

import { publish, type Publication, type PublishStep } from '../../src/runtime/rendezvous/publish.ts';
import { closed, PUBLISHING, speaker } from './rendezvous.ts';

export type Order =
  | { type: 'start'; path: string; killAt?: PublishStep; umask?: number; lockTimeout?: number }
  | { type: 'stop' };
export type Report =
  | { type: 'ready' | 'started' | 'stopped' }
  | { type: 'failed'; code: string; message: string };

let running: { server: Server; publication: Publication } | undefined;

function report(what: Report): void {
  // Its parent may have gone.
  process.send!(what, () => {});
}

async function start({
  path,
  killAt,
  umask,
  lockTimeout = 20_000,
}: Order & { type: 'start' }): Promise<void> {
  if (umask !== undefined) process.umask(umask);
  const server = speaker(String(process.pid));
  try {
    const publication = await publish(server, path, {
      ...PUBLISHING,
      lockTimeout,
      onStep(step) {
        if (step === killAt) process.kill(process.pid, 'SIGKILL');
      },
    });
    running = { server, publication };
    report({ type: 'started' });
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    report({ type: 'failed', code, message });
  }
}

async function stop(): Promise<void> {
  if (running !== undefined) {
    await running.publication.giveUp();
    await closed(running.server);
    running.publication.release();
    running = undefined;
  }
  report({ type: 'stopped' });
}

process.on('message', (order: Order) => void (order.type === 'start' ? start(order) : stop()));
process.on('disconnect', () => process.exit());
report({ type: 'ready' });
