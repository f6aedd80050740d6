/** What goes wrong when servers start: killed at any step, all at once, without rights, on a file system of others. */
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { probe } from '../../src/runtime/rendezvous/probe.ts';
import { publish, PUBLISH_STEPS } from '../../src/runtime/rendezvous/publish.ts';
import { mountByFuse } from '../support/mount.ts';
import { peerTest, program } from '../support/peers.ts';
import { ask, leaveStaleSocket, PUBLISHING, publishSpeaker } from '../support/rendezvous.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { spawnStarter, withoutRights, type Starter } from '../support/starter.ts';

const isRoot = process.geteuid?.() === 0;

for (const killAt of PUBLISH_STEPS) {
  for (const before of ['nothing', 'a stale socket']) {
    test(`killed when it has ${killAt}, over ${before}`, async (t) => {
      const directory = temporaryDirectory(t);
      const path = join(directory, 'app.sock');
      if (before !== 'nothing') await leaveStaleSocket(path);
      const starter = await spawnStarter(t);
      t.deepEqual(await starter.tell({ type: 'start', path, killAt }), { type: 'killed' });

      const { stop } = await publishSpeaker(t, path, 'next');
      t.is(await ask(path), 'next');
      t.deepEqual(readdirSync(directory), ['app.sock', 'app.sock.d']);
      t.is(readdirSync(`${path}.d`).length, 1, 'its own instance alone');
      await stop();
      t.deepEqual(readdirSync(directory), []);
    });
  }
}

test('twenty start at once over a stale socket, and one more is killed: one wins, nineteen say so', async (t) => {
  t.timeout(120_000);
  const ROUNDS = 40;
  const path = join(temporaryDirectory(t), 'app.sock');
  const starters = await Promise.all(Array.from({ length: 20 }, () => spawnStarter(t)));
  let victim = await spawnStarter(t);
  let killed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const outcome = await startAll(t, path, starters, victim, round);
    if (outcome !== 'killed') continue;
    killed++;
    victim = await spawnStarter(t);
  }
  t.log(`killed at its step in ${killed} of ${ROUNDS} rounds; in the others it came too late to reach it`);
  t.true(killed > 0);
});

/** One round; returns what became of the victim. */
async function startAll(
  t: ExecutionContext,
  path: string,
  starters: Starter[],
  victim: Starter,
  round: number,
): Promise<string> {
  await leaveStaleSocket(path);
  // When it is killed with the lock given up and the server up, the others rightly find a server, and none starts.
  const killAt = PUBLISH_STEPS[round % (PUBLISH_STEPS.length - 1)]!;
  // Among the first in every other round, so that it gets to its step.
  const turn = round % 2 === 0 ? 0 : round % starters.length;
  const reports = starters.slice(0, turn).map((starter) => starter.tell({ type: 'start', path }));
  const fate = victim.tell({ type: 'start', path, killAt });
  reports.push(...starters.slice(turn).map((starter) => starter.tell({ type: 'start', path })));

  const outcomes = await Promise.all(reports);
  const winners = starters.filter((_, index) => outcomes[index]!.type === 'started');
  const losers = outcomes.filter((outcome) => outcome.type === 'failed');
  t.is(winners.length, 1, `round ${round}`);
  t.deepEqual(
    losers.map(({ code }) => code),
    Array(19).fill('SIMPLE_IPC_ADDRESS_IN_USE'),
    `round ${round}`,
  );
  t.is(await ask(path), String(winners[0]!.pid), `round ${round}`);
  const { type } = await fate;
  await winners[0]!.tell({ type: 'stop' });
  t.deepEqual(readdirSync(dirname(path)), [], `round ${round}`);
  return type;
}

test('a path that was stolen is noticed, and left to its thief', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const first = await publishSpeaker(t, path, 'first');
  const thief = await spawnStarter(t);
  renameSync(path, `${path}~`);
  t.is((await thief.tell({ type: 'start', path })).type, 'started');
  t.false(await first.publication.stands());
  await first.stop();
  t.is(await ask(path), String(thief.pid));
  await thief.tell({ type: 'stop' });
  t.deepEqual(readdirSync(dirname(path)), ['app.sock~']);
});

test('a directory that may not be written', async (t) => {
  const directory = temporaryDirectory(t);
  chmodSync(directory, 0o555);
  const user = withoutRights(t);
  if (user === undefined) return void t.pass();
  const starter = await spawnStarter(t, user);
  const report = await starter.tell({ type: 'start', path: join(directory, 'app.sock') });
  t.like(report, { type: 'failed', code: 'SIMPLE_IPC_PERMISSION_DENIED' });
  t.regex((report as { message: string }).message, /EACCES.*Use a path in a directory of your own/);
});

for (const lives of [true, false]) {
  test(`a socket that may not be connected to is never stale: ${lives ? 'alive' : 'dead'}`, async (t) => {
    const directory = temporaryDirectory(t);
    const path = join(directory, 'app.sock');
    if (lives) await publishSpeaker(t, path, 'it');
    else await leaveStaleSocket(path);
    chmodSync(path, 0);
    chmodSync(directory, 0o777);
    const { ino } = lstatSync(path);
    const user = withoutRights(t);
    if (user === undefined) return void t.pass();
    const starter = await spawnStarter(t, user);
    t.like(await starter.tell({ type: 'start', path }), {
      type: 'failed',
      // A server that lives has its directory beside it, and that is another user's.
      code: lives ? 'SIMPLE_IPC_UNTRUSTED_PATH' : 'SIMPLE_IPC_PERMISSION_DENIED',
    });
    t.is(lstatSync(path).ino, ino);
    t.deepEqual(readdirSync(directory), lives ? ['app.sock', 'app.sock.d'] : ['app.sock']);
  });
}

test('a socket of another user in a sticky directory', async (t) => {
  if (!isRoot) {
    t.log('skipped: only root can give a socket to somebody else');
    return void t.pass();
  }
  const directory = temporaryDirectory(t);
  const path = join(directory, 'app.sock');
  await leaveStaleSocket(path);
  chmodSync(path, 0o666);
  chmodSync(directory, 0o1777);
  const user = withoutRights(t);
  if (user === undefined) return void t.pass();
  const starter = await spawnStarter(t, user);
  t.like(await starter.tell({ type: 'start', path }), {
    type: 'failed',
    code: 'SIMPLE_IPC_PERMISSION_DENIED',
  });
  t.deepEqual(readdirSync(directory), ['app.sock']);
});

peerTest(program('bindfs'))('a dead socket on a file system that others may share stays', async (t) => {
  const directory = temporaryDirectory(t);
  const [source, mount] = [join(directory, 'source'), join(directory, 'mount')] as const;
  mkdirSync(source);
  mkdirSync(mount);
  if (!mountByFuse(t, source, mount)) return void t.pass();
  const path = join(mount, 'app.sock');
  const { publication, stop } = await publishSpeaker(t, path, 'it');
  t.is(await ask(path), 'it', 'where nothing is, a server may start');
  t.true(await publication.stands());
  await stop();
  // FUSE may keep a deleted file under another name for a moment, and then the sidecar directory stays.
  const entries = () => readdirSync(mount).filter((name) => name !== 'app.sock.d');
  t.deepEqual(entries(), []);

  await leaveStaleSocket(path);
  const error = await t.throwsAsync(publish(createServer(), path, PUBLISHING), {
    code: 'SIMPLE_IPC_NETWORK_FILE_SYSTEM',
    message: /file system \(FUSE\).*local file system; or, if you are sure.*: rm /,
  });
  t.like(error, { path });
  t.deepEqual(entries(), ['app.sock']);
  t.like(await probe(path), { state: 'not-listening' });
});
