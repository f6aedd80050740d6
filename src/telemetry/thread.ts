import { type MessagePort, Worker } from 'node:worker_threads';
import type { Settings } from './options.ts';
import { messageOf, type Problems } from './problems.ts';
import type { Ring } from './ring.ts';

/** What the exporter's thread starts with. */
export interface ToExporter {
  readonly buffer: SharedArrayBuffer;
  readonly port: MessagePort;
  /** What to add to `performance.now()` of the serving thread. */
  readonly origin: number;
  readonly serviceName: string | undefined;
  /** The process's own: what the resource says of it. */
  readonly argv: readonly string[];
}

/** What it tells of itself. */
export type FromExporter =
  | { readonly kind: 'problem'; readonly about: string; readonly message: string }
  | { readonly kind: 'drained' };

/** The exporter's thread as the serving thread sees it. It keeps no process alive. */
export class ExporterThread {
  readonly worker: Worker;
  /** It ended before it was told to. */
  crashed = false;
  readonly #over = Promise.withResolvers<void>();
  #ending = false;

  constructor(
    ring: Ring,
    port: MessagePort,
    { env, serviceName }: Pick<Settings, 'env' | 'serviceName'>,
    problems: Problems,
    onCrash: () => void,
  ) {
    // The sources run as they are; what users install is compiled.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), {
      name: 'simple-ipc-telemetry',
      env,
      // What the application preloads is not for this thread.
      execArgv: [],
      workerData: {
        buffer: ring.buffer,
        port,
        origin: performance.timeOrigin,
        serviceName,
        // The SDK tells the command line. Not what stands behind the program: for a `send`, that is the request.
        argv: process.argv.slice(0, 2),
      } satisfies ToExporter,
      transferList: [port],
    });

    let reason: unknown;
    this.worker.on('message', (message: FromExporter) => {
      if (message.kind === 'problem') problems.report(message.about, message.message);
      else this.#over.resolve();
    });
    this.worker.on('error', (error) => {
      reason = error;
    });
    this.worker.on('exit', (code) => {
      this.#over.resolve();
      if (this.#ending) return;
      this.crashed = true;
      const why = reason === undefined ? `exit code ${code}` : messageOf(reason);
      problems.report(
        'crash',
        `The thread that exports telemetry ended (${why}). Nothing is recorded any more; serving goes on. Restart the process to have telemetry again.`,
      );
      onCrash();
    });
    // Only now: listeners hold on to the thread.
    this.worker.unref();
  }

  /** Has it export what is left, and ends it, within so many milliseconds. True where it was done in time. */
  async end(timeout: number): Promise<boolean> {
    if (this.crashed) return true;
    this.#ending = true;
    const deadline = performance.now() + timeout;
    let inTime = true;
    // This timer also keeps the process alive until then.
    const timer = setTimeout(() => {
      inTime = false;
      this.#over.resolve();
    }, timeout * DRAIN_SHARE);
    this.worker.postMessage('drain');
    await this.#over.promise;
    clearTimeout(timer);
    const rest = Promise.withResolvers<void>();
    const patience = setTimeout(rest.resolve, Math.max(0, deadline - performance.now()));
    await Promise.race([this.worker.terminate(), rest.promise]);
    clearTimeout(patience);
    return inTime;
  }
}

/** How much of its time the end may take to export; the rest is for ending the thread. */
const DRAIN_SHARE = 0.9;
