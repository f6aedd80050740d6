import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { temporaryDirectory } from '../support/temporary.ts';
import { LostRace, Walk } from './connection-walk.ts';
import {
  EXCUSES,
  eventsOf,
  excusesFor,
  shortestPaths,
  simplePaths,
  situations,
  type EventType,
  type Path,
  type Situation,
  vertexOf,
} from './connection-model.ts';

/** Walks that go on at once. */
const AT_ONCE = 6;
/** How often a path is walked again that lost a race against time, on a machine that is very busy. */
const RACES = 20;

const key = (path: Path): string => eventsOf(path).join(' ');

/** Shortest and simple paths, each once. */
const all = new Map([...simplePaths(), ...shortestPaths()].map((path) => [key(path), path]));

const isDriven = (path: Path): boolean =>
  situations(path).every(({ situation, event }) => excusesFor(event, situation).length === 0);
const driven = [...all.values()].filter(isDriven);
const excused = [...all.values()].filter((path) => !isDriven(path));

/** An edge of the model, for comparison: a vertex, and an event in it. */
const edge = (event: string, { mayHold: _mayHold, ...vertex }: Situation): string =>
  JSON.stringify([vertex, event]);

test('every path is driven, or excused for a reason; and every reason excuses something', (t) => {
  t.is(driven.length + excused.length, all.size);
  t.true(driven.length > 250, `${driven.length}`);
  const used = new Set(
    excused.flatMap((path) =>
      situations(path).flatMap(({ event, situation }) => excusesFor(event, situation)),
    ),
  );
  t.deepEqual(
    EXCUSES.filter((excuse) => !used.has(excuse)).map(({ why }) => why),
    [],
  );
  // No excuse is wider than it has to be: what is not excused somewhere is driven.
  const walked = new Set(
    driven.flatMap((path) => situations(path).map(({ event, situation }) => edge(event, situation))),
  );
  for (const path of excused) {
    for (const { event, situation } of situations(path)) {
      if (excusesFor(event, situation).length > 0) break;
      t.true(
        walked.has(edge(event, situation)),
        `${event} in ${JSON.stringify(situation)} is neither driven nor excused`,
      );
    }
  }
});

/** One path to walk, and an event that changes nothing, to come at its end. */
interface Errand {
  readonly path: Path;
  readonly idle?: EventType;
}

/** Where the machine says that an event may come and is ignored, it is sent, at each vertex that can be reached. */
const idleErrands: Errand[] = shortestPaths()
  .filter((path) => isDriven(path) && path.state.status !== 'done')
  .flatMap((path) => {
    const vertex = vertexOf(path.state);
    const events: EventType[] = [];
    if (vertex.state !== 'listening') events.push(vertex.grace ? 'GRACE_OVER' : 'DRAIN');
    // It comes as soon as the request is dispatched, or not at all.
    if (vertex.state === 'dispatching' && !vertex.running && !vertex.halfClosed) events.push('SLOT_AWAITED');
    return events.map((idle) => ({ path, idle }));
  })
  // Where the next event follows at once, none can be sent before it: the same as for an abort.
  .filter(({ path, idle }) => excusesFor('ABORTED', situations(path, idle).at(-1)!.situation).length === 0);

async function walk({ path, idle }: Errand, socketPath: string, interpreted: boolean): Promise<Walk> {
  for (let race = 1; ; race++) {
    const taken = new Walk(path, `${socketPath}-${race}`, interpreted, idle);
    try {
      await taken.run();
      return taken;
    } catch (error) {
      if (!(error instanceof LostRace) || race === RACES) throw error;
    }
  }
}

async function walkAll(t: ExecutionContext, errands: readonly Errand[], interpreted: boolean): Promise<void> {
  const directory = temporaryDirectory(t);
  const waiting = [...errands.entries()];
  const walks: Walk[] = [];
  const walker = async () => {
    for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) {
      const [index, errand] = entry;
      walks.push(await walk(errand, join(directory, String(index)), interpreted));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, walker));
  t.is(walks.length, errands.length);

  const observed = walks.flatMap((taken) => taken.observed);
  t.deepEqual(
    observed.filter(({ event, situation }) => excusesFor(event, situation).length > 0),
    [],
    'what is excused because it cannot be never was',
  );
  const seen = new Set(observed.map(({ event, situation }) => edge(event, situation)));
  for (const { path, idle } of errands) {
    for (const { event, situation } of situations(path, idle))
      t.true(seen.has(edge(event, situation)), key(path));
  }
}

for (const [name, interpreted] of [
  ['compiled', false],
  ['interpreted', true],
] as const) {
  test.serial(`a real server, ${name}: every path that can be driven`, async (t) => {
    t.timeout(120_000);
    await walkAll(
      t,
      driven.map((path) => ({ path })),
      interpreted,
    );
  });

  test.serial(`a real server, ${name}: what is ignored changes nothing, wherever it may come`, async (t) => {
    t.timeout(120_000);
    t.true(idleErrands.length > 20, `${idleErrands.length}`);
    await walkAll(t, idleErrands, interpreted);
  });
}
