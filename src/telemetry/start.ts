import { MessageChannel } from 'node:worker_threads';
import type {
  CallObserver,
  ObservedCall,
  ObservedServer,
  ServerObserver,
  Telemetry,
} from '../machines/observer.ts';
import { Beside } from './beside.ts';
import { recordHandlerSpans } from './handler-spans.ts';
import {
  checkObject,
  type Settings,
  settingsOf,
  type StartTelemetryOptions,
  TelemetryError,
} from './options.ts';
import { messageOf, Problems } from './problems.ts';
import { RingRecorder } from './recorder.ts';
import { Ring } from './ring.ts';
import { ExporterThread } from './thread.ts';

/** Why something was not exported. */
export const DROP_REASONS = {
  'queue-full': 'More came than could be exported, and what may wait for it was full',
  'export-failed': 'The collector was not there, or did not take it, or was so slow that no more could wait',
  'exporter-crashed': 'The thread that exports had ended',
  'shut-down': 'Telemetry was shut down before it was exported',
} as const;

export type DropReason = keyof typeof DROP_REASONS;

/** What became of requests and calls, and of spans that handlers made, so far. */
export interface TelemetryStats {
  /** All that came to an end. What is missing in the numbers below has not been exported yet. */
  readonly recorded: number;
  /** Recorded for metrics alone: sampling left them out. */
  readonly unsampled: number;
  /** Spans that the collector has taken. */
  readonly exported: number;
  /** Not exported, by the reason. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Spans without what their handlers added to them, which found no room or could not be sent. They count above too. */
  readonly withoutDetails: number;
}

/** Telemetry that is running: for `telemetry` of `serve` and `request`. */
export interface RunningTelemetry extends Telemetry, AsyncDisposable {
  readonly stats: TelemetryStats;
  /**
   * Exports what is left, and ends, within `shutdownTimeout`. It never rejects: what is lost is counted, and
   * `onProblem` told. Shut down servers first. What is left at the end of a process without it is lost.
   */
  shutdown(): Promise<void>;
}

/**
 * Starts telemetry that costs the serving thread next to nothing: it records, and a thread of its own makes spans and
 * metrics of that with OpenTelemetry's stock SDK, and exports them. Rejects with a `TelemetryError` where an option is
 * not as it should be, or `@opentelemetry/sdk-node` is not installed.
 *
 * An application that registers an SDK of its own does so before it calls this; its handlers' spans are then its own.
 */
export function startTelemetry(options: StartTelemetryOptions = {}): Promise<RunningTelemetry> {
  return start(options);
}

const SDK = '@opentelemetry/sdk-node';

/** The same, with what is outside of it. */
export async function start(
  options: StartTelemetryOptions,
  { env = process.env, resolve = (name: string): unknown => import.meta.resolve(name) } = {},
): Promise<Running | Disabled> {
  checkObject(options);
  const problems = new Problems(options.onProblem);
  const settings = settingsOf(options, env, (message) => problems.report('environment', message));
  if (settings.disabled) return new Disabled();
  try {
    resolve(SDK);
  } catch (error) {
    throw new TelemetryError(
      'TELEMETRY_SDK_MISSING',
      `Telemetry needs the package ${SDK}, which is not installed. Install it: npm install ${SDK}`,
      { cause: error },
    );
  }
  const running = new Running(settings, problems);
  await running.begin();
  return running;
}

export class Running implements RunningTelemetry {
  readonly thread: ExporterThread;
  readonly recorder: RingRecorder;
  readonly beside: Beside;
  readonly #ring: Ring;
  readonly #settings: Settings;
  readonly #problems: Problems;
  #undo: () => Promise<void> = () => Promise.resolve();
  #end: Promise<void> | undefined;
  #isOver = false;

  constructor(settings: Settings, problems: Problems) {
    this.#settings = settings;
    this.#problems = problems;
    this.#ring = new Ring(settings.records);
    const { port1, port2 } = new MessageChannel();
    this.beside = new Beside(port1, this.#ring);
    this.recorder = new RingRecorder(this.#ring, this.beside, settings, problems);
    this.thread = new ExporterThread(this.#ring, port2, settings, problems, () => this.#over());
  }

  async begin(): Promise<void> {
    try {
      this.#undo = await recordHandlerSpans(this.recorder);
    } catch (error) {
      await this.shutdown();
      throw new TelemetryError(
        'TELEMETRY_SDK_MISSING',
        `The package ${SDK} could not be used (${messageOf(error)}). Install a version that this one works with: npm install ${SDK}`,
        { cause: error },
      );
    }
  }

  server(server: ObservedServer): ServerObserver {
    return this.recorder.server(server);
  }

  call(call: ObservedCall): CallObserver {
    return this.recorder.call(call);
  }

  get stats(): TelemetryStats {
    const { recorded, unsampled } = this.recorder;
    const exported = this.#ring.counted('exported');
    const exportFailed = this.#ring.counted('exportFailed');
    const queueFull = this.#ring.counted('queueFull');
    const lost = this.#isOver ? recorded - unsampled - exported - exportFailed - queueFull : 0;
    return {
      recorded,
      unsampled,
      exported,
      dropped: {
        'queue-full': queueFull,
        'export-failed': exportFailed,
        'exporter-crashed': this.thread.crashed ? lost : 0,
        'shut-down': this.thread.crashed ? 0 : lost,
      },
      withoutDetails: this.#ring.counted('detailsFull'),
    };
  }

  shutdown(): Promise<void> {
    return (this.#end ??= this.#shutdown());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #shutdown(): Promise<void> {
    const { shutdownTimeout } = this.#settings;
    this.recorder.close();
    try {
      await this.#undo();
    } catch (error) {
      this.#problems.report('undo', `The SDK on the serving thread did not end: ${messageOf(error)}`);
    }
    const inTime = await this.thread.end(shutdownTimeout);
    this.#over();
    const { dropped, withoutDetails } = this.stats;
    const lost = Object.entries(dropped).filter(([, count]) => count > 0);
    if (lost.length === 0 && withoutDetails === 0 && inTime) return;
    const late = inTime ? '' : ` It was not done after shutdownTimeout, ${shutdownTimeout} ms.`;
    const counts = lost.map(([reason, count]) => `${count} ${reason}`).join(', ') || 'no spans';
    const bare =
      withoutDetails === 0 ? '' : ` Without what their handlers added to them: ${withoutDetails} spans.`;
    this.#problems.report('lost', `Telemetry has ended.${late} Not exported: ${counts}.${bare}`);
  }

  /** Nobody exports any more. */
  #over(): void {
    this.#isOver = true;
    this.recorder.close();
    this.beside.close();
  }
}

/** What there is where the environment says that there should be none. */
export class Disabled implements RunningTelemetry {
  readonly stats: TelemetryStats = {
    recorded: 0,
    unsampled: 0,
    exported: 0,
    dropped: {
      'queue-full': 0,
      'export-failed': 0,
      'exporter-crashed': 0,
      'shut-down': 0,
    },
    withoutDetails: 0,
  };

  server(): ServerObserver {
    return { connection: () => undefined };
  }

  call(): undefined {
    return undefined;
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
