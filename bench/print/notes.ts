/** What a reader of a scenario's figures has to know besides them. */
import { printable } from '../../src/telemetry/format.ts';
import { SATURATED, type ScenarioResult, type ServerResult } from '../types.ts';
import { count, formatShare } from './format.ts';

export interface Note {
  readonly kind: 'saturated' | 'errors' | 'connections' | 'counted' | 'skipped';
  readonly text: string;
}

/** More kinds than this are only counted. */
const KINDS = 4;

export function isSaturated({ generatorBusy }: ServerResult): boolean {
  return generatorBusy >= SATURATED;
}

/** In the order of their weight. */
export function notesOf({ results, skipped }: ScenarioResult): Note[] {
  const saturated = results.filter((result) => isSaturated(result));
  const keeping = results.filter(({ connectionPerRequest }) => !connectionPerRequest);
  return [
    ...(saturated.length === 0 ? [] : [{ kind: 'saturated' as const, text: saturatedText(saturated) }]),
    ...results
      .filter(({ errors }) => errors > 0)
      .map((result) => ({ kind: 'errors' as const, text: errorsText(result) })),
    ...(keeping.length === 0 ? [] : [{ kind: 'connections' as const, text: keepingText(keeping) }]),
    ...results
      .filter(({ counted }) => counted['dropped'] !== undefined)
      .map((result) => ({ kind: 'counted' as const, text: droppedText(result) })),
    ...skipped.map(({ server, reason }) => {
      const some = results.some((result) => result.server === server);
      const what = some ? 'Measured in some of the rounds only' : 'Not measured';
      return { kind: 'skipped' as const, text: `${what}: ${server}. ${printable(reason)}` };
    }),
  ];
}

function saturatedText(results: readonly ServerResult[]): string {
  const which = results.map(({ server, generatorBusy }) => `${server} (${formatShare(generatorBusy)} busy)`);
  return `The load generator may have been the limit, not the server: ${which.join('; ')}. Compare the CPU a request, not the throughput.`;
}

function errorsText({ server, requests, errors, errorKinds }: ServerResult): string {
  const kinds = Object.entries(errorKinds).toSorted(([, a], [, b]) => b - a);
  const told = kinds
    .slice(0, KINDS)
    .map(([kind, times]) => `${printable(kind)} (${times.toLocaleString('en')})`);
  const more = kinds.length > KINDS ? [count(kinds.length - KINDS, 'further kind')] : [];
  const list = [...told, ...more].join(', ');
  return `${server}: ${count(errors, 'error')} beside ${count(requests, 'answer')}${list === '' ? '' : `: ${list}`}`;
}

function keepingText(results: readonly ServerResult[]): string {
  const names = results.map(({ server }) => server).join(', ');
  return `One connection a client, kept over all its requests, as is usual there: ${names}. The others have a connection for each request.`;
}

function droppedText({ server, counted }: ServerResult): string {
  const { dropped = 0, served } = counted as { readonly dropped?: number; readonly served?: number };
  const of = served === undefined ? '' : ` of ${count(served, 'request')}`;
  return `${server}: ${count(dropped, 'telemetry record')} dropped${of}, as it counted itself.`;
}
