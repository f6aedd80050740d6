import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server as NetServer } from 'node:net';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { gate, serving, within } from '../support/serving.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { Changes } from './changes.ts';
import { Client } from './client.ts';
import type { Path } from './connection-model.ts';
import { LostRace } from './connection-walk.ts';
import {
  EXCUSES,
  eventsOf,
  excusesFor,
  shortestPaths,
  simplePaths,
  situations,
  vertexOf,
} from './pool-model.ts';
import { PoolWalk } from './pool-walk.ts';

/** How often a path is walked again that lost a race against the grace of a drain, on a machine that is very busy. */
const RACES = 20;

const key = (path: Path): string => eventsOf(path).join(' ');
const all = new Map([...simplePaths(), ...shortestPaths()].map((path) => [key(path), path]));
/** A server has to be started: paths that end before that are no walks. */
all.delete('');

const isDriven = (path: Path): boolean =>
  situations(path).every(({ situation, event }) => excusesFor(event, situation).length === 0);
const excused = [...all.values()].filter((path) => !isDriven(path));
/** Those that end. The others are the start of these. */
const driven = [...all.values()].filter((path) => isDriven(path) && path.state.status === 'done');

test('every path is driven, or excused for a reason; and every reason excuses something', (t) => {
  t.true(driven.length > 150, `${driven.length}`);
  const keys = driven.map((path) => key(path));
  for (const path of all.values()) {
    if (isDriven(path))
      t.true(
        keys.some((longer) => longer.startsWith(key(path))),
        key(path),
      );
  }
  const used = new Set(
    excused.flatMap((path) =>
      situations(path).flatMap(({ event, situation }) => excusesFor(event, situation)),
    ),
  );
  t.deepEqual(
    EXCUSES.filter((excuse) => !used.has(excuse)).map(({ why }) => why),
    [],
  );
});

async function walk(path: Path, socketPath: string, interpreted: boolean): Promise<PoolWalk> {
  for (let race = 1; ; race++) {
    const taken = new PoolWalk(path, `${socketPath}-${race}`, interpreted);
    try {
      await taken.run();
      return taken;
    } catch (error) {
      if (!(error instanceof LostRace) || race === RACES) throw error;
    }
  }
}

async function walkAll(t: ExecutionContext, interpreted: boolean): Promise<void> {
  const directory = temporaryDirectory(t);
  const edges = new Set<string>();
  for (const [index, path] of driven.entries()) {
    const { observed } = await walk(path, join(directory, String(index)), interpreted);
    for (const { event, vertex } of observed) edges.add(JSON.stringify([vertex, event]));
  }
  for (const path of driven) {
    for (const [index, event] of eventsOf(path).entries()) {
      const vertex = vertexOf(path.steps[index]!.state);
      t.true(edges.has(JSON.stringify([vertex, event])), key(path));
    }
  }
}

for (const [name, interpreted] of [
  ['compiled', false],
  ['interpreted', true],
] as const) {
  test.serial(`a real server, ${name}: every path that can be driven`, async (t) => {
    t.timeout(120_000);
    await walkAll(t, interpreted);
  });
}

// ---- What no path shows: it changes nothing in the machine.

test.serial(
  'above maxConnections, while it accepts and while it drains, the newest is closed at once',
  async (t) => {
    for (const interpreted of [false, true]) {
      const done = gate();
      const { server, path, until } = await serving(t, () => done.promise.then(() => 'an answer'), {
        maxConnections: 1,
        interpreted,
      });
      const changes = new Changes();
      const first = new Client(path, changes);
      first.socket.write('0006hi0000');
      await until(({ actor, event }) => actor === 'c1' && event === 'SLOT_GRANTED');

      const second = new Client(path, changes);
      await changes.until(
        () => second.socket.closed,
        () => 'the second is closed',
      );
      t.is(server.stats.refused, 1);

      // This one is in the backlog when the server drains.
      const third = new Client(path, changes);
      const closed = server.close();
      await changes.until(
        () => third.socket.closed,
        () => 'the third is closed',
      );
      t.is(server.stats.refused, 2);
      t.is(server.stats.open, 1);

      done.resolve();
      await closed;
      await changes.until(
        () => first.socket.closed,
        () => 'the first is answered',
      );
      t.is(first.received.toString(), '000dan answer0000');
      t.is(second.received.length + third.received.length, 0);
    }
  },
);

test.serial('a server that fails closes those in its backlog too, and ends', async (t) => {
  let listener: NetServer | undefined;
  const onListen = (message: unknown) => {
    listener = (message as { server: NetServer }).server;
  };
  subscribe('tracing:net.server.listen:asyncStart', onListen);
  t.teardown(() => unsubscribe('tracing:net.server.listen:asyncStart', onListen));
  const { server, path } = await serving(t, () => 'an answer');
  const changes = new Changes();
  const client = new Client(path, changes);
  client.socket.write('0006hi0000');
  listener?.emit('error', Object.assign(new Error('a fault'), { code: 'EBADF', syscall: 'listen' }));
  const end = await within(server.closed, 'the server does not end');
  t.is(end.reason, 'failed');
  await changes.until(
    () => client.socket.closed,
    () => 'the client is closed',
  );
  t.is(client.received.length, 0);
});
