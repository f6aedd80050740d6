import type { Writable } from 'node:stream';
import type { Transition } from '../machines/transition.ts';

/** Options of `ndjsonSink`. */
export interface NdjsonOptions {
  /** The most bytes that wait for a slow reader. What comes while they do is dropped and counted. Default 1 MiB. */
  limit?: number;
  /** Is told when the stream fails, such as by EPIPE. From then on every transition is dropped. */
  onError?: (error: Error) => void;
}

/** Writes transitions as one JSON object a line. */
export interface NdjsonSink {
  write(transition: Transition): void;
  /** Transitions that were not written, in all. */
  readonly dropped: number;
  /** Waits until all is written, but for no longer than so many milliseconds. What is left then is dropped. */
  close(patience: number): Promise<void>;
}

/** How much is written at once, in bytes: what a write that never ends leaves in doubt. */
const BATCH = 65_536;

/** Lines that are written together. */
interface Batch {
  text: string;
  bytes: number;
  transitions: number;
}

/**
 * A sink that never holds up a server: it writes once a turn of the event loop, one write at a time, and what a stalled
 * reader leaves behind is bounded. When that reads again, `{"event":"dropped","count":N}` stands where lines are missing.
 */
export function ndjsonSink(out: Writable, { limit = 2 ** 20, onError }: NdjsonOptions = {}): NdjsonSink {
  /** What is not written yet, the batch that is being written first. */
  const pending: Batch[] = [];
  let pendingBytes = 0;
  let dropped = 0;
  /** Those of them that the reader has not been told of. */
  let untold = 0;
  let scheduled = false;
  let writing = false;
  let over = false;
  let onIdle: (() => void) | undefined;

  const fail = (error: Error) => {
    if (over) return;
    stop();
    onError?.(error);
  };
  // It stays: an error that nobody listens for ends the process.
  out.on('error', fail);

  function stop(): void {
    over = true;
    for (const batch of pending) dropped += batch.transitions;
    pending.length = 0;
    onIdle?.();
  }

  function push(line: string, transitions: number): boolean {
    const bytes = Buffer.byteLength(line);
    if (pendingBytes + bytes > limit) return false;
    let batch = pending.at(-1);
    if (batch === undefined || batch.bytes + bytes > BATCH || (writing && pending.length === 1)) {
      batch = { text: '', bytes: 0, transitions: 0 };
      pending.push(batch);
    }
    batch.text += line;
    batch.bytes += bytes;
    batch.transitions += transitions;
    pendingBytes += bytes;
    return true;
  }

  function tellDropped(): boolean {
    if (untold > 0 && push(`{"event":"dropped","count":${untold}}\n`, 0)) untold = 0;
    return untold === 0;
  }

  function flush(): void {
    scheduled = false;
    if (over || writing) return;
    const batch = pending[0];
    if (batch === undefined) {
      onIdle?.();
      return;
    }
    writing = true;
    out.write(batch.text, (error) => {
      if (over) return;
      if (error !== null && error !== undefined) {
        fail(error);
        return;
      }
      writing = false;
      pending.shift();
      pendingBytes -= batch.bytes;
      tellDropped();
      flush();
    });
  }

  return {
    write(transition) {
      if (!over && tellDropped() && push(lineOf(transition), 1)) {
        if (!scheduled && !writing) setImmediate(flush);
        scheduled = true;
        return;
      }
      dropped++;
      untold++;
    },
    get dropped() {
      return dropped;
    },
    async close(patience) {
      if (over) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(stop, patience);
        onIdle = () => {
          clearTimeout(timer);
          over = true;
          resolve();
        };
        flush();
      });
    },
  };
}

function lineOf(transition: Transition): string {
  if (transition.output === undefined) return `${JSON.stringify(transition)}\n`;
  // JSON has no form for an error: its message is what matters here.
  const readable = (_key: string, value: unknown) => (value instanceof Error ? value.message : value);
  return `${JSON.stringify(transition, readable)}\n`;
}
