import type { Span, SpanContext } from '@opentelemetry/api';
import { InvalidArgumentError, type Command } from 'commander';
import type { Telemetry } from '../index.ts';
import type { Classify } from '../telemetry/classify.ts';
import type { CallObservation } from '../telemetry/observation.ts';
import { milliseconds } from './arguments.ts';
import { exportsByEnvironment } from './exporters.ts';
import { Failure, reasonOf, say } from './messages.ts';

/** What `--trace` and its companions say. */
export interface TraceFlags {
  readonly trace?: true | string | undefined;
  readonly sample?: number | undefined;
  readonly keepSlowerThan?: number | undefined;
  readonly serviceName?: string | undefined;
}

/** Telemetry of this command, until it is closed. */
export interface Tracing {
  readonly telemetry: Telemetry;
  /** Spans that the collector has taken so far. */
  readonly exported: () => number;
  /** Exports what is left, within a bound. */
  close(): Promise<void>;
}

export function addTraceOptions(command: Command): Command {
  return command
    .option(
      '--trace [URL]',
      'export a trace of each request to a collector (http://127.0.0.1:4318 unless said)',
      collector,
    )
    .option('--sample <RATIO>', 'how many of the traces, from 0 to 1; failed ones always (default: 1)', ratio)
    .option(
      '--keep-slower-than <MS>',
      'export a trace that takes longer, whatever --sample says',
      milliseconds,
    )
    .option('--service-name <NAME>', 'what traces are found by (default: simple-ipc)', nonEmpty);
}

/** Starts the export that the flags or the environment ask for; nothing where neither does. */
export async function startTracing(
  { trace, sample, keepSlowerThan, serviceName }: TraceFlags,
  more: { readonly classify?: Classify; readonly propagate?: boolean } = {},
): Promise<Tracing | undefined> {
  const wanted = trace !== undefined || exportsByEnvironment();
  if (!wanted) {
    if ([sample, keepSlowerThan, serviceName].some((flag) => flag !== undefined) || more.propagate === true)
      throw new Failure(
        '--sample, --keep-slower-than, --service-name and --propagate are about traces: add --trace.',
        2,
      );
    return undefined;
  }
  const { startTelemetry } = await import('../telemetry/index.ts');
  try {
    const telemetry = await startTelemetry({
      ...more,
      ...(typeof trace === 'string' ? { endpoint: trace } : undefined),
      ...(sample === undefined ? undefined : { sampleRatio: sample }),
      ...(keepSlowerThan === undefined ? undefined : { keepSlowerThan }),
      ...(serviceName === undefined ? undefined : { serviceName }),
      onProblem: say,
    });
    return {
      telemetry,
      exported: () => telemetry.stats.exported,
      close: () => telemetry.shutdown(),
    };
  } catch (error) {
    const usage = (error as { code?: unknown }).code === 'TELEMETRY_INVALID_OPTION';
    if (trace !== undefined) throw new Failure(reasonOf(error), usage ? 2 : 1);
    // Nobody asked for it here: the environment did, for whatever runs in it.
    say(`${reasonOf(error)} Nothing is traced.`);
    return undefined;
  }
}

/** The same telemetry, which also tells of the span of each call as it begins. */
export function tellingSpans(telemetry: Telemetry, tell: (span: SpanContext) => void): Telemetry {
  return {
    server: (server) => telemetry.server(server),
    call(call) {
      const observer = telemetry.call(call);
      const span = (observer as CallObservation | undefined)?.span as Span | undefined;
      if (span !== undefined) tell(span.spanContext());
      return observer;
    },
  };
}

/** Adds `--propagate`, for commands that ask somebody. */
export function addPropagateOption(command: Command): Command {
  return command.option(
    '--propagate',
    'tell the server of the trace, behind the request: git ignores it, others may not',
  );
}

/** Where to look at a trace, in Jaeger's pages. */
export function traceLink(jaeger: string, { traceId }: SpanContext): string {
  return `${jaeger.replace(/\/+$/u, '')}/trace/${traceId}`;
}

/** The address of Jaeger's pages. */
export function webAddress(text: string): string {
  if (isWebAddress(text)) return text;
  throw new InvalidArgumentError("Give the URL of Jaeger's pages, such as http://127.0.0.1:16686.");
}

/** It takes the next word, which is easily the path. */
function collector(text: string): string {
  if (isWebAddress(text)) return text;
  throw new InvalidArgumentError(
    "Give a collector's URL behind it, such as http://127.0.0.1:4318, or put it at the end of the line.",
  );
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\//u.test(text) && URL.canParse(text);
}

function nonEmpty(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('Give a name of at least one character.');
}

function ratio(text: string): number {
  const number = Number(text);
  if (/^\d*\.?\d+$/u.test(text) && number <= 1) return number;
  throw new InvalidArgumentError('Give a number from 0 to 1, such as 0.01.');
}
