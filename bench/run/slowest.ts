/** The slowest requests of a service, as Jaeger has them. */
import type { Sample } from '../types.ts';
import { inBothCases } from './jaeger.ts';

const COUNT = 5;
/** Traces that are looked through. */
const SEARCH_DEPTH = 2_000;
const PATIENCE = 10_000;

interface FoundSpan {
  readonly traceId: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

/** Asks for those above ever shorter durations until some are found, so that few are read. */
export async function slowest(query: string, service: string): Promise<Sample['slowest']> {
  let found: FoundSpan[] = [];
  for (const above of ['20ms', '5ms', '2ms', '1ms', '500us', '0us']) {
    found = await find(query, service, above);
    if (found.length >= COUNT) break;
  }
  return found
    .map(({ traceId, startTimeUnixNano, endTimeUnixNano }) => ({
      traceId,
      duration: Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1_000,
    }))
    .toSorted((a, b) => b.duration - a.duration)
    .slice(0, COUNT);
}

async function find(query: string, service: string, above: string): Promise<FoundSpan[]> {
  const wanted = {
    serviceName: service,
    startTimeMin: new Date(0).toISOString(),
    startTimeMax: new Date(Date.now() + 86_400_000).toISOString(),
    durationMin: above,
    // The first is 2.13's name for it.
    numTraces: `${SEARCH_DEPTH}`,
    searchDepth: `${SEARCH_DEPTH}`,
  };
  const response = await fetch(`${query}/api/v3/traces?${inBothCases(wanted, 'query.')}`, {
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (response.status === 404) return [];
  const text = await response.text();
  if (!response.ok) throw new Error(`Jaeger answers ${response.status}: ${text.slice(0, 500)}`);
  const answer = JSON.parse(text) as { result?: { resourceSpans?: ResourceSpans[] } };
  return (answer.result?.resourceSpans ?? []).flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans),
  );
}

interface ResourceSpans {
  readonly scopeSpans: readonly { readonly spans: readonly FoundSpan[] }[];
}
