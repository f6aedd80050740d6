import { type Context, isSpanContextValid, SamplingDecision, trace } from '@opentelemetry/api';
import { wordOf } from './record.ts';

/** Which traces are kept whole. */
export interface Sampling {
  /** Of those that begin here, from 0 to 1. */
  readonly ratio: number;
  /** A span that belongs to another one is kept where that one is. */
  readonly followsParent: boolean;
}

/** Decides as the samplers of OpenTelemetry's SDK do, so that all who see a trace decide the same. */
export class Sampler {
  readonly #bound: number;
  readonly #followsParent: boolean;

  constructor({ ratio, followsParent }: Sampling) {
    this.#bound = ratio >= 1 ? 2 ** 32 : Math.floor(ratio * 0xffff_ffff);
    this.#followsParent = followsParent;
  }

  /** By the words of the trace's id; or as the parent was, where that says something: its flags. */
  isSampled(trace0: number, trace1: number, trace2: number, trace3: number, parentFlags?: number): boolean {
    if (parentFlags !== undefined && this.#followsParent) return (parentFlags & 1) === 1;
    return (trace0 ^ trace1 ^ trace2 ^ trace3) >>> 0 < this.#bound;
  }

  /** The same for spans that the SDK makes. */
  readonly forSdk = {
    shouldSample: (context: Context, traceId: string) => {
      const parent = trace.getSpanContext(context);
      const flags = parent !== undefined && isSpanContextValid(parent) ? parent.traceFlags : undefined;
      const [a, b, c, d] = [0, 1, 2, 3].map((index) => wordOf(traceId, index)) as [
        number,
        number,
        number,
        number,
      ];
      return {
        decision: this.isSampled(a, b, c, d, flags)
          ? SamplingDecision.RECORD_AND_SAMPLED
          : SamplingDecision.NOT_RECORD,
      };
    },
    toString: () => 'SimpleIpcSampler',
  };
}

/** What the variables of OpenTelemetry say of sampling; nothing where they say nothing. */
export function samplingFromEnvironment(
  env: NodeJS.ProcessEnv,
  onProblem: (message: string) => void,
): Sampling | undefined {
  const name = env['OTEL_TRACES_SAMPLER']?.trim();
  if (name === undefined || name === '') return undefined;
  const followsParent = name.startsWith('parentbased_');
  switch (followsParent ? name.slice('parentbased_'.length) : name) {
    case 'always_on':
      return { ratio: 1, followsParent };
    case 'always_off':
      return { ratio: 0, followsParent };
    case 'traceidratio':
      return { ratio: ratioFrom(env['OTEL_TRACES_SAMPLER_ARG'], onProblem), followsParent };
    default:
      onProblem(
        `OTEL_TRACES_SAMPLER is ${JSON.stringify(name)}, which is not known: all traces are kept. Use always_on, always_off, traceidratio, or one of these behind "parentbased_".`,
      );
      return undefined;
  }
}

function ratioFrom(text: string | undefined, onProblem: (message: string) => void): number {
  const ratio = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  onProblem(
    `OTEL_TRACES_SAMPLER_ARG is ${JSON.stringify(text ?? '')}, which is no number from 0 to 1: all traces are kept.`,
  );
  return 1;
}
