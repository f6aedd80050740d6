import { inspect } from 'node:util';
import type { Classify } from './classify.ts';
import type { Sampling } from './sampling.ts';
import { samplingFromEnvironment } from './sampling.ts';

/** Options of `startTelemetry`. The other `OTEL_*` variables that OpenTelemetry's SDK for Node reads count as well. */
export interface StartTelemetryOptions {
  /**
   * Base URL of the collector, for OTLP over HTTP. Default: `OTEL_EXPORTER_OTLP_ENDPOINT`, else
   * `http://127.0.0.1:4318`.
   */
  endpoint?: string;
  /** `service.name`. Default: `OTEL_SERVICE_NAME`, else what `OTEL_RESOURCE_ATTRIBUTES` says, else `simple-ipc`. */
  serviceName?: string;
  /**
   * The share of traces that get spans, from 0 to 1, where a client has not decided it already. Metrics count every
   * request. Default: what `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say, else 1.
   */
  sampleRatio?: number;
  /** Requests that took longer, in milliseconds, get a span in any case. Default: none do. */
  keepSlowerThan?: number;
  /** Requests that failed get a span in any case. Default true. */
  keepErrors?: boolean;
  /** Says what a request asks for, which is its span's name. Default: none, and all have the same name. */
  classify?: Classify;
  /**
   * Tells the server which span its request belongs to, by a trailer behind the request that git's servers do not see.
   * Other servers may take it for an error. It is sent only while the span is sampled. Default false.
   */
  propagate?: boolean;
  /** How long `shutdown` takes at most, in milliseconds. What is not exported by then is lost. Default 2,000. */
  shutdownTimeout?: number;
  /** Is told, once for each kind, what goes wrong and what to do. Default: a warning of the process. */
  onProblem?: (message: string) => void;
  /** How many requests may wait to be exported: rounded up to a power of two, of 128 bytes each. Default 32,768. */
  records?: number;
}

/** Why telemetry could not be started. `code` is stable; the message says what to do. */
export class TelemetryError extends Error {
  readonly code: 'TELEMETRY_INVALID_OPTION' | 'TELEMETRY_SDK_MISSING';

  constructor(code: TelemetryError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TelemetryError';
    this.code = code;
  }
}

/** What the options and the environment come to. */
export interface Settings {
  /** `OTEL_SDK_DISABLED`: nothing is recorded. */
  readonly disabled: boolean;
  readonly sampling: Sampling;
  /** In milliseconds. */
  readonly keepSlowerThan: number;
  readonly keepErrors: boolean;
  /** Metrics are exported, so every request has to be told of. */
  readonly measures: boolean;
  readonly classify: Classify | undefined;
  readonly propagate: boolean;
  /** In milliseconds. */
  readonly shutdownTimeout: number;
  readonly records: number;
  /** Nothing: as the resource's attributes say. */
  readonly serviceName: string | undefined;
  /** The exporter's own. */
  readonly env: NodeJS.ProcessEnv;
}

const DEFAULT_ENDPOINT = 'http://127.0.0.1:4318';
const DEFAULT_RECORDS = 32_768;
/** 128 MiB. */
const MAX_RECORDS = 2 ** 20;
/** What a timer can wait, in milliseconds. */
const MAX_TIMEOUT = 2 ** 31 - 1;

export function settingsOf(
  options: StartTelemetryOptions,
  env: NodeJS.ProcessEnv,
  onProblem: (message: string) => void,
): Settings {
  const {
    sampleRatio,
    keepSlowerThan = Number.POSITIVE_INFINITY,
    keepErrors = true,
    classify,
    propagate = false,
    shutdownTimeout = 2_000,
    records = DEFAULT_RECORDS,
  } = options;
  if (sampleRatio !== undefined)
    check(sampleRatio, 'sampleRatio', 'a number from 0 to 1', (ratio) => ratio >= 0 && ratio <= 1);
  check(keepSlowerThan, 'keepSlowerThan', 'a number of milliseconds, 0 or more', (time) => time >= 0);
  check(
    shutdownTimeout,
    'shutdownTimeout',
    `a number of milliseconds from 0 to ${MAX_TIMEOUT}`,
    (time) => time >= 0 && time <= MAX_TIMEOUT,
  );
  check(
    records,
    'records',
    `a whole number from 1 to ${MAX_RECORDS}`,
    (count) => Number.isInteger(count) && count >= 1 && count <= MAX_RECORDS,
  );
  checkSwitches({ keepErrors, propagate }, { classify, onProblem: options.onProblem });
  const exporter = exporterEnvironment(options.endpoint, env);
  const tracing = env['OTEL_TRACES_EXPORTER']?.trim() !== 'none';
  return {
    disabled: env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true',
    sampling: tracing
      ? sampleRatio === undefined
        ? (samplingFromEnvironment(env, onProblem) ?? { ratio: 1, followsParent: true })
        : { ratio: sampleRatio, followsParent: true }
      : { ratio: 0, followsParent: false },
    keepSlowerThan: tracing ? keepSlowerThan : Number.POSITIVE_INFINITY,
    keepErrors: tracing && keepErrors,
    classify,
    propagate,
    shutdownTimeout,
    records,
    serviceName: serviceNameOf(options.serviceName, env),
    env: exporter,
    measures: exporter['OTEL_METRICS_EXPORTER']?.trim() !== 'none',
  };
}

/** What is given for all options together. */
export function checkObject(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object', options);
}

/** Options that are true or false, and options that are functions: by their names. */
export function checkSwitches(
  switches: Readonly<Record<string, unknown>>,
  functions: Readonly<Record<string, unknown>>,
): void {
  for (const [name, value] of Object.entries(switches))
    if (value !== undefined && typeof value !== 'boolean') throw invalid(name, 'true or false', value);
  for (const [name, value] of Object.entries(functions))
    if (value !== undefined && typeof value !== 'function') throw invalid(name, 'a function', value);
}

function check(value: unknown, name: string, kind: string, fits: (value: number) => boolean): void {
  if (typeof value !== 'number' || !fits(value)) throw invalid(name, kind, value);
}

function invalid(name: string, kind: string, value: unknown): TelemetryError {
  const given =
    typeof value === 'string' ? JSON.stringify(value) : inspect(value, { depth: 0, breakLength: Infinity });
  return new TelemetryError('TELEMETRY_INVALID_OPTION', `${name} is ${given}: give ${kind}.`);
}

function serviceNameOf(given: unknown, env: NodeJS.ProcessEnv): string | undefined {
  if (given !== undefined) {
    if (typeof given !== 'string' || given === '')
      throw invalid('serviceName', 'a name of at least one character', given);
    return given;
  }
  const name = env['OTEL_SERVICE_NAME']?.trim();
  if (name !== undefined && name !== '') return name;
  return /(?:^|,)\s*service\.name\s*=/u.test(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '')
    ? undefined
    : 'simple-ipc';
}

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';

/** The environment of the exporter's thread: what the SDK there goes by. */
function exporterEnvironment(endpoint: unknown, given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env = { ...given };
  const isSet = (name: string) => (env[name]?.trim() ?? '') !== '';
  const usesGrpc =
    (env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL']) === 'grpc';
  if (endpoint !== undefined) {
    env[ENDPOINT] = urlOf(endpoint, 'endpoint');
    // What is given here counts for more than what the environment says of traces or metrics alone.
    delete env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
    delete env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'];
  } else if (!isSet(ENDPOINT)) {
    // Over gRPC, the SDK's own default has the right port.
    if (!usesGrpc) env[ENDPOINT] = DEFAULT_ENDPOINT;
  } else if (!usesGrpc) {
    env[ENDPOINT] = urlOf(env[ENDPOINT], ENDPOINT);
  }
  if (!isSet('OTEL_TRACES_EXPORTER')) env['OTEL_TRACES_EXPORTER'] = 'otlp';
  // Jaeger takes traces alone, so metrics go out only where somebody asked for them.
  if (!isSet('OTEL_METRICS_EXPORTER')) env['OTEL_METRICS_EXPORTER'] = 'none';
  env['OTEL_LOGS_EXPORTER'] = 'none';
  // A batch is 2,048 spans. If it were full for the SDK, the SDK would export it unasked, and nobody would learn how that went.
  env['OTEL_BSP_MAX_QUEUE_SIZE'] = '8192';
  env['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'] = '4096';
  // What the application has preloaded is not for this thread.
  delete env['NODE_OPTIONS'];
  return env;
}

function urlOf(value: unknown, name: string): string {
  const url = typeof value === 'string' && URL.canParse(value.trim()) ? new URL(value.trim()) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw invalid(
      name,
      `the URL of an OTLP/HTTP collector without the path of a signal, such as ${DEFAULT_ENDPOINT}`,
      value,
    );
  if (/\/v1\/(?:traces|metrics)\/?$/u.test(url.pathname))
    throw invalid(name, `the base URL of the collector, without ${url.pathname}`, value);
  return (value as string).trim();
}
