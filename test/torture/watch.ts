/** Watches a run as it goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { probe, status as statusOf } from '../../src/index.ts';
import { instancesAt } from '../../src/runtime/rendezvous/instances.ts';
import { now, readEntries, type EntryFile, type Tell } from './entries.ts';
import type { Place } from './setting.ts';

/** From one look at the paths to the next, in milliseconds; and to the next line of progress. */
const PROBE_INTERVAL = 20;
const PROGRESS_INTERVAL = 5_000;

/** Looks whether somebody listens, and who. A path with idle exits is left alone. */
export async function watchPaths(
  places: readonly Place[],
  file: EntryFile,
  wrong: Tell,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const { path, isIdle } of places) {
      if (isIdle) continue;
      const at = now();
      const { state, errno } = await probe(path);
      if (state !== 'listening')
        file.add({ kind: 'probe', at, end: now(), by: 'driver', path, outcome: `${state} (${errno})` });
      await lookAt(path, file);
      try {
        const owners = instancesAt(path).filter(({ owns }) => owns);
        if (owners.length > 1)
          wrong('one server owns a path', owners.map(({ directory }) => directory).join(', '));
      } catch (error) {
        wrong('instances can be read', String(error));
      }
    }
    await sleep(PROBE_INTERVAL);
  }
}

/** What a look at the server itself says: it must not be mistaken while servers come and go. */
async function lookAt(path: string, file: EntryFile): Promise<void> {
  const at = now();
  const about = { kind: 'status', by: 'driver', at, path } as const;
  try {
    const { pid, live, problem } = await statusOf(path);
    const outcome = live === null ? 'silent' : 'ok';
    file.add({ ...about, end: now(), pid, outcome, ...(problem === null ? {} : { detail: problem }) });
  } catch (error) {
    const { code } = error as { code?: unknown };
    file.add({ ...about, end: now(), outcome: String(code ?? 'UNKNOWN'), detail: String(error) });
  }
}

/** Counts what has been done so far. */
export async function tellProgress(
  logs: string,
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const began = now();
  while (!signal.aborted) {
    await sleep(PROGRESS_INTERVAL, undefined, { signal }).catch(() => undefined);
    const counts = new Map<string, number>();
    for (const { kind, outcome } of readEntries(logs) as { kind: string; outcome?: string }[]) {
      if (kind === 'server' || kind === 'process') continue;
      const name = outcome === undefined || outcome === 'ok' ? kind : `${kind} not ok`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const all = [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
    onProgress(`${((now() - began) / 1_000).toFixed(0)} s: ${all}`);
  }
}
