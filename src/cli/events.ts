import type { Writable } from 'node:stream';
import type { Transition } from '../index.ts';
import { openEventFile } from '../telemetry/event-file.ts';
import { ndjsonSink } from '../telemetry/ndjson.ts';
import { Failure, quote, reasonOf, say } from './messages.ts';

/** How long a reader has left to take the last events when the server has ended, in milliseconds. */
const PATIENCE = 1_000;

export interface Events {
  write(transition: Transition): void;
  /** Writes what is left, and says how many transitions were lost, if any. */
  close(): Promise<void>;
}

/** Opens what `--events` names: a file, which is added to, a FIFO, or `-` for stdout. */
export async function openEvents(target: string): Promise<Events> {
  const name = target === '-' ? 'stdout' : quote(target);
  const sink = ndjsonSink(target === '-' ? process.stdout : await openFile(target), {
    onError: (error) =>
      say(`Events can't be written to ${name} any more (${reasonOf(error)}); serving goes on without.`),
  });
  return {
    write: (transition) => sink.write(transition),
    async close() {
      await sink.close(PATIENCE);
      if (sink.dropped > 0)
        say(`${sink.dropped} events were dropped: nobody read ${name}, or not fast enough.`);
    },
  };
}

async function openFile(path: string): Promise<Writable> {
  try {
    return await openEventFile(path);
  } catch (error) {
    const what = `Events can't be written to ${quote(path)} (${reasonOf(error)})`;
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') {
      throw new Failure(
        `${what}: it is a FIFO that nobody reads. Start its reader first, such as: cat ${quote(path)}`,
      );
    }
    throw new Failure(`${what}. Name a file that can be written, in a directory that exists.`);
  }
}
