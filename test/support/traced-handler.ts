/** A handler for tests of traces, served by the command: `simple-ipc serve --module`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';
import type { Handler } from '../../src/index.ts';

/** How long `slow` takes, in milliseconds. */
export const SLOW = 250;

export const handler: Handler = async (request) => {
  const asked = await request.text();
  if (asked === 'fail') throw new Error('no such row');
  if (asked === 'slow') await sleep(SLOW);
  if (asked === 'child') {
    await trace.getTracer('the handler').startActiveSpan('look it up', async (span) => {
      await Promise.resolve();
      span.setAttribute('app.rows', 3).end();
    });
    trace.getActiveSpan()?.setAttribute('app.cached', false);
  }
  return `${asked}!`;
};

export const classify = (head: Uint8Array): string | undefined =>
  /^[a-z]+/u.exec(Buffer.from(head).toString('latin1'))?.[0];
