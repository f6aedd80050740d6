/**
 * What the stages of the bench hand to each other: scenarios -> run -> samples -> aggregate -> results -> print, page.
 * All times are in microseconds, all sizes in bytes, unless a name says otherwise.
 */
import type { Histogram } from 'hdr-histogram-js';

/** A server that can be measured. The name is what tables show and `--servers` takes. */
export type ServerName =
  /** node:net alone: `write`, then `destroy`. What every Node.js server on this protocol costs at least. */
  | 'node:net'
  | 'simple-ipc'
  | 'simple-ipc, interpreted'
  | 'simple-ipc, 1 % sampled'
  | 'simple-ipc, 100 % sampled'
  /** git's own C server: `git fsmonitor--daemon`, asked to `flush`. */
  | 'git'
  | 'node:http'
  | 'grpc-js'
  | 'node-ipc'
  | 'vscode-jsonrpc'
  | 'sock-daemon'
  | WithoutServer;

/** What is compared with servers in the scenarios of fsmonitor, and is none. */
export type WithoutServer =
  /** `git status` looks at every file itself. */
  | 'no fsmonitor'
  /** The same with the machine's own git, which may be older. */
  | 'system git'
  /** The machine's own git, which asks our daemon by the hook for older ones. */
  | 'system git, by hook';

/** How a load is made. */
export interface Load {
  /** Clients at work at once. */
  readonly connections: number;
  /** Connections that are opened before, say nothing and stay open. */
  readonly idle: number;
  readonly requestBytes: number;
  readonly answerBytes: number;
  /** Requests a second in all, at fixed times (open loop); 0: each client asks again as soon as it is answered (closed loop). */
  readonly rate: number;
  /** A measured run ends after so many milliseconds... */
  readonly duration: number;
  /** ...or after so many requests, whichever is first; 0: no such limit. */
  readonly amount: number;
  /** Load of the same kind before each measured run, in milliseconds, of which nothing is kept. */
  readonly warmUp: number;
  /** How fast a client takes its answer, in bytes a second; 0: as fast as it can. */
  readonly readRate: number;
  /**
   * The generator sleeps while it waits, as clients do, and leaves its core to others. Else it never sleeps, and the
   * server never pays for waking it. The one in TypeScript always sleeps.
   */
  readonly sleeps: boolean;
  /**
   * The tree of files that `git status` is asked about, in the scenarios of fsmonitor. There `amount` is how often that
   * is, and `duration` how long the daemon is watched while it has nothing to do.
   */
  readonly tree?: Tree;
}

export interface Tree {
  readonly directories: number;
  readonly files: number;
}

/** Which program makes the load: C, or TypeScript through the peer's own client. */
export type GeneratorKind = 'c' | 'node';

export interface Scenario {
  /** Short, for tables and `--scenarios`: `ping-8`. */
  readonly name: string;
  /** One sentence for people. */
  readonly title: string;
  readonly kind: 'load' | 'start' | 'fsmonitor';
  readonly generator: GeneratorKind;
  readonly servers: readonly ServerName[];
  /** The server that the others are compared with. */
  readonly baseline: ServerName;
  readonly load: Load;
  /** A new server for each round: for memory, of which one that has served keeps some. Else one serves all rounds. */
  readonly fresh: boolean;
  /** What is compared, for the table and the pictures: the first is the one that matters most here. */
  readonly figures: readonly FigureName[];
}

/** What one measured run gave. */
export interface Sample {
  readonly requests: number;
  readonly errors: number;
  /** Errors by their code or message, at most 16 kinds. */
  readonly errorKinds: Readonly<Record<string, number>>;
  readonly elapsed: number;
  /** From before connect to connected; where a client keeps its connection, nothing is in it. */
  readonly connect: Histogram;
  /** From before connect (open loop: from when it was due) to the first byte of the answer. */
  readonly firstByte: Histogram;
  /** The same, to the last byte of the answer. */
  readonly lastByte: Histogram;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** CPU of the server process, all threads, and of its main thread alone; undefined where the system does not tell. */
  readonly serverCpu: number | undefined;
  readonly serverThreadCpu: number | undefined;
  /**
   * Resident memory of the server: before, with the idle connections open and no load yet, and the most during the load.
   */
  readonly rss: { readonly before: number; readonly idle: number; readonly peak: number } | undefined;
  /** The share of its time that the generator was at work, 0 to 1. From `SATURATED` on it was the limit. */
  readonly generatorBusy: number;
  /** What the server itself counted, where it does: `served`, `dropped` (telemetry records). */
  readonly counted: Readonly<Record<string, number>>;
  /** Requests whose traces are in Jaeger, the slowest first, at most 5. */
  readonly slowest: readonly { readonly traceId: string; readonly duration: number }[];
  /** Of a daemon of fsmonitor: `lastByte` then has how long each `git status` took. */
  readonly monitor?: {
    /** From the start of its `start` to the end of that. */
    readonly ready: number;
    /** The median of all queries, with a token that is current. */
    readonly query: number;
    /** Resident memory. */
    readonly resident: number | undefined;
    /** Processor time while it had nothing to do, as a share of that time. */
    readonly idle: number | undefined;
  };
}

/** A server that runs, in a process of its own (and git's with it), until it is closed. */
export interface RunningServer {
  readonly name: ServerName;
  readonly version: string;
  readonly connectionPerRequest: boolean;
  /** The path of its socket. */
  readonly path: string;
  readonly pid: number;
  /** The program's name for each trace, where it is traced: what Jaeger calls the service. */
  readonly serviceName: string | undefined;
  /** What the server itself counts, since it started: see `Sample.counted`. */
  counts(): Promise<Readonly<Record<string, number>>>;
  /** Ends it, and waits until it is gone. */
  close(): Promise<void>;
}

export interface ServerSettings {
  /** How long each request is: one that is small is read whole, as users do, and a long one as a stream. */
  readonly requestBytes: number;
  /** How long each answer is. */
  readonly answerBytes: number;
  /** Where traces go, for the traced ones: the OTLP endpoint's base URL. */
  readonly otlp: string | undefined;
  /** Our server is traced, each request, whatever its name says. */
  readonly trace?: boolean;
  /** Our server's `concurrency`, where it is not the default. */
  readonly concurrency?: number;
  /** How long our handler takes, in milliseconds; it waits. */
  readonly handlerTime?: number;
}

/** run/start-server.ts. Throws `Unavailable` where this machine does not have what it needs. */
export type StartServer = (name: ServerName, settings: ServerSettings) => Promise<RunningServer>;

/** run/generate.ts: one run of a load against a server: warm-up, then what is measured. */
export type Generate = (
  server: RunningServer,
  load: Load,
  generator: GeneratorKind,
  signal?: AbortSignal,
) => Promise<Sample>;

/** A peer, or a tool, that is not on this machine. The message says what is missing and how to get it. */
export class Unavailable extends Error {}

/** A generator that is busier than this may be what limits the result. */
export const SATURATED = 0.9;

export type FigureName =
  | 'requests a second'
  | 'MB a second'
  | 'p50'
  | 'p99'
  | 'p99.9'
  | 'CPU a request'
  | 'CPU a request, main thread'
  | 'memory'
  | 'memory an idle connection'
  | 'start to first answer'
  | 'git status'
  | 'query'
  | 'start to ready'
  | 'resident memory'
  | 'idle CPU';

/** A figure over the repeats of a scenario. */
export interface Figure {
  readonly name: FigureName;
  readonly unit: 'req/s' | 'MB/s' | 'us' | 'ms' | 'MiB' | 'bytes' | '%';
  readonly better: 'lower' | 'higher';
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Each repeat's, in order. */
  readonly values: readonly number[];
  /** To the baseline's in the same round: the median of the rounds' ratios. Undefined for the baseline itself. */
  readonly ratio: number | undefined;
}

/** One server in one scenario, over all repeats. */
export interface ServerResult {
  readonly server: ServerName;
  readonly version: string;
  /** Each request has a connection of its own. Else a client keeps its connection, as is this peer's way. */
  readonly connectionPerRequest: boolean;
  readonly figures: readonly Figure[];
  readonly requests: number;
  readonly errors: number;
  readonly errorKinds: Readonly<Record<string, number>>;
  /** Merged over the repeats. */
  readonly connect: Histogram;
  readonly firstByte: Histogram;
  readonly lastByte: Histogram;
  readonly generatorBusy: number;
  readonly counted: Readonly<Record<string, number>>;
  readonly slowest: Sample['slowest'];
}

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly repeats: number;
  readonly results: readonly ServerResult[];
  /** Servers that were not measured, and why. */
  readonly skipped: readonly { readonly server: ServerName; readonly reason: string }[];
}

/** How a cost grows: one point for each size. */
export interface GrowthResult {
  readonly name: 'connections' | 'answer' | 'concurrency';
  readonly title: string;
  /** What is on the horizontal axis, with its unit. */
  readonly axis: string;
  readonly figure: string;
  readonly unit: string;
  readonly points: readonly { readonly at: number; readonly value: number }[];
  /** The exponent of the growth between the largest points (slope in log-log): above 1.1 is worse than linear. */
  readonly exponent: number;
}

export interface Report {
  readonly version: 1;
  /** ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memory: number;
    readonly os: string;
    readonly node: string;
  };
  readonly commit: string | undefined;
  readonly scenarios: readonly ScenarioResult[];
  readonly growth: readonly GrowthResult[];
  /** performance.md's targets, each with what was reached. */
  readonly targets: readonly Target[];
  /** Where traces can be looked at; undefined: no run was traced. */
  readonly jaeger: string | undefined;
}

export interface Target {
  readonly number: number;
  readonly what: string;
  readonly asked: string;
  readonly reached: string;
  readonly met: boolean | undefined;
}
