/** What a generator is told on its command line: the same for the one in C (generator/options.h) and the one in TypeScript. */
import type { Load } from '../types.ts';

export interface GeneratorOptions {
  /** Of the server's socket. */
  readonly path: string;
  /** The request's text; without one it is so many bytes long as the load says. */
  readonly requestText: string | undefined;
  /** How long an answer has to be; -1: any length is right. */
  readonly answerBytes: number;
  readonly load: Omit<Load, 'answerBytes'>;
}

/** Yes is 1, no is 0. */
const NUMBERS = {
  '--connections': 'connections',
  '--idle': 'idle',
  '--request-bytes': 'requestBytes',
  '--rate': 'rate',
  '--duration': 'duration',
  '--amount': 'amount',
  '--warm-up': 'warmUp',
  '--read-rate': 'readRate',
  '--sleeps': 'sleeps',
} as const satisfies Record<string, keyof Load>;

export function toFlags({ path, requestText, answerBytes, load }: GeneratorOptions): string[] {
  const flags = ['--path', path, '--answer-bytes', String(answerBytes)];
  if (requestText !== undefined) flags.push('--request-text', requestText);
  for (const [flag, name] of Object.entries(NUMBERS)) flags.push(flag, String(Number(load[name])));
  return flags;
}

/** The inverse of `toFlags`. */
export function fromFlags(flags: readonly string[]): GeneratorOptions {
  const values = new Map<string, string>();
  for (let i = 0; i < flags.length; i += 2) values.set(flags[i]!, flags[i + 1] ?? '');
  const numberOf = (flag: string) => Number(values.get(flag) ?? 0);
  const load = Object.fromEntries(Object.entries(NUMBERS).map(([flag, name]) => [name, numberOf(flag)]));
  return {
    path: values.get('--path') ?? '',
    requestText: values.get('--request-text'),
    answerBytes: Number(values.get('--answer-bytes') ?? -1),
    load: load as unknown as GeneratorOptions['load'],
  };
}
