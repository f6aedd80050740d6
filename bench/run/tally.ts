/** What came of a load that TypeScript makes. */
import type { Counts } from '../histogram.ts';
import type { GeneratorResult } from './generator-output.ts';

const MOST_KINDS = 16;
const LONGEST_KIND = 64;

export class Tally {
  readonly connect = new Latencies();
  readonly firstByte = new Latencies();
  readonly lastByte = new Latencies();
  readonly #errorKinds = new Map<string, number>();
  #requests = 0;
  #bytesSent = 0;
  #bytesReceived = 0;

  /** @param latency in milliseconds */
  answered(latency: number, sent: number, received: number): void {
    this.lastByte.record(latency);
    this.#requests++;
    this.#bytesSent += sent;
    this.#bytesReceived += received;
  }

  failed(error: unknown, times = 1): void {
    let kind = kindOf(error);
    if (!this.#errorKinds.has(kind) && this.#errorKinds.size >= MOST_KINDS - 1) kind = 'other';
    this.#errorKinds.set(kind, (this.#errorKinds.get(kind) ?? 0) + times);
  }

  result(elapsed: number, busy: number): GeneratorResult {
    return {
      requests: this.#requests,
      errors: this.#errorKinds.values().reduce((sum, count) => sum + count, 0),
      errorKinds: Object.fromEntries(this.#errorKinds),
      elapsed: elapsed * 1_000,
      busy,
      backlogFull: 0,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
      connect: this.connect.counts(),
      firstByte: this.firstByte.counts(),
      lastByte: this.lastByte.counts(),
    };
  }
}

/** How often each latency was met, in whole microseconds. */
class Latencies {
  readonly #counts = new Map<number, number>();

  record(milliseconds: number): void {
    const microseconds = Math.round(milliseconds * 1_000);
    this.#counts.set(microseconds, (this.#counts.get(microseconds) ?? 0) + 1);
  }

  counts(): Counts {
    return [...this.#counts];
  }
}

/** A code, as errors of Node.js and of this package have; else the message. gRPC's codes are numbers, which say little. */
function kindOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return String(typeof code === 'string' ? code : (message ?? error)).slice(0, LONGEST_KIND);
}
