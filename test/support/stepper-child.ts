/**
 * Starts a server as a program does that heeds signals, and sends itself a signal at a step of that. It prints how that
 * ended. stepper-child.ts PATH STEP SIGNAL [takeover]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { publish, type PublishStep } from '../../src/runtime/rendezvous/publish.ts';
import { closed, PUBLISHING, speaker } from './rendezvous.ts';

const [path, step, signal, takeover] = process.argv.slice(2) as [
  string,
  PublishStep,
  NodeJS.Signals,
  string?,
];
const starting = new AbortController();
const told = Promise.withResolvers<void>();
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.once(name, () => {
    starting.abort(new Error(name));
    told.resolve();
  });
}
const server = speaker('stepper');
try {
  const publication = await publish(server, path, {
    ...PUBLISHING,
    signal: starting.signal,
    takeover: takeover !== undefined,
    // What is awaited there gives the signal its time to come.
    prepare: async (instance) => {
      await sleep(20);
      return { path: instance.pathOf('control'), close: async () => {} };
    },
    onStep(made) {
      if (made === step) process.kill(process.pid, signal);
    },
  });
  await told.promise;
  await publication.giveUp();
  await closed(server);
  publication.release();
  console.log('closed');
} catch (error) {
  console.log(String((error as { code?: unknown }).code));
}
