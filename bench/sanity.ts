/** Whether a report can be believed at all: nothing of it is a figure that has to be reached. */
import type { ScenarioResult, ServerResult } from './types.ts';

/**
 * One line for each thing that is wrong. `strict`: also where the machine may have been too slow for a server.
 * `complete`: every server has to be there, and not only ours.
 */
export function whatDoesNotAddUp(
  scenarios: readonly ScenarioResult[],
  { strict, complete }: { strict: boolean; complete: boolean },
): string[] {
  return scenarios.flatMap(({ scenario, results, skipped }) => [
    ...(complete ? skipped : skipped.filter(({ server }) => server === 'simple-ipc')).map(
      ({ server, reason }) => `${scenario.name}, ${server}: ${reason}`,
    ),
    ...results.flatMap((result) =>
      wrongWith(result, strict).map((what) => `${scenario.name}, ${result.server}: ${what}`),
    ),
    ...(results.length === 0
      ? [`${scenario.name}: nothing was measured (${skipped.map(({ reason }) => reason).join('; ')})`]
      : []),
  ]);
}

function wrongWith(
  { requests, errors, errorKinds, lastByte, counted }: ServerResult,
  strict: boolean,
): string[] {
  const served = counted['served'];
  const recorded = counted['recorded'];
  const wrong: string[] = [];
  if (requests === 0) wrong.push('no request was answered');
  if (errors > 0 && strict) wrong.push(`${errors} requests failed: ${JSON.stringify(errorKinds)}`);
  if (lastByte.totalCount !== requests) {
    wrong.push(`${requests} requests were answered, and ${lastByte.totalCount} latencies recorded`);
  }
  if (served !== undefined && errors === 0 && served !== requests) {
    wrong.push(`${requests} requests were answered, and the server counted ${served}`);
  }
  if (recorded !== undefined && served !== undefined && recorded !== served) {
    wrong.push(`${served} requests were served, and telemetry recorded ${recorded}`);
  }
  return wrong;
}
