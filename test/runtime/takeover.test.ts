/** A server that takes the path of another: nobody sees a path without a server, and no request fails. */
import { lstatSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { request, status, stop } from '../../src/index.ts';
import { instanceAt } from '../../src/runtime/rendezvous/instances.ts';
import { hostServer, spawnHost, type Host, type RemoteServer } from '../support/host.ts';
import { git, peerTest } from '../support/peers.ts';
import { message, rawClient } from '../support/raw-client.ts';
import { ask as hear, leaveStaleSocket, listenAt, speaker } from '../support/rendezvous.ts';
import type { LoadReport } from '../support/load-child.ts';
import { eventually, PATIENCE, within } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';
import { untilTold } from '../support/until-told.ts';
import type { WatchReport } from '../support/watcher-child.ts';
import { makeRepository, startDaemon } from '../interop/repository.ts';

const onUnix = process.platform === 'win32' ? test.serial.skip : test.serial;
const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

const CONTROLLED = { control: true } as const;
const TAKEOVER = { control: true, takeover: true } as const;

async function pidAt(path: string): Promise<number> {
  return Number(await (await request(path, 'pid', { deadline: PATIENCE })).text());
}

onUnix(
  '50 in a row under the load of 8 clients: no request fails, and the path is never absent',
  async (t) => {
    const ROUNDS = 50;
    const path = temporaryPath(t);
    const hosts = await Promise.all([spawnHost(t), spawnHost(t), spawnHost(t)]);
    const servers: RemoteServer[] = [await hosts[0]!.serve(path, CONTROLLED)];
    const stopLoads = await Promise.all(
      [1, 2].map(() => untilTold<LoadReport>(t, 'load-child.ts', [path, '4'])),
    );
    const stopWatching = await untilTold<WatchReport>(t, 'watcher-child.ts', [path]);

    for (let round = 1; round <= ROUNDS; round++) {
      const host = hosts[round % hosts.length] as Host;
      servers.push(await host.serve(path, TAKEOVER));
    }

    const watched = await stopWatching();
    const loads = await Promise.all(stopLoads.map((stopLoad) => stopLoad()));
    const last = servers.pop()!;
    t.is(await pidAt(path), last.pid);
    const ends = await within(
      Promise.all(servers.map(({ ended }) => ended)),
      'a replaced server did not end',
    );
    t.deepEqual(
      ends.map(({ reason }) => reason),
      Array(ROUNDS).fill('handed-over'),
    );
    t.is((await last.close()).reason, 'closed');

    const answered = loads.reduce((sum, load) => sum + load.answered, 0);
    t.log(`${answered} requests answered, ${watched.looks} looks and ${watched.knocks} knocks at the path`);
    t.deepEqual(
      loads.flatMap(({ failures }) => failures),
      [],
    );
    t.true(answered > ROUNDS, 'the load was there');
    t.deepEqual(watched.met, []);
    t.true(watched.looks > 1000);
    t.deepEqual(
      hosts.flatMap(({ notices }) => notices),
      [],
    );
    t.deepEqual(readdirSync(dirname(path)), [], 'nothing is left');
  },
);

onUnix('two at once: both take it, one after the other, and the last one has it', async (t) => {
  const path = temporaryPath(t);
  const first = await hostServer(t, path);
  const hosts = await Promise.all([spawnHost(t), spawnHost(t)]);
  for (let round = 0; round < 5; round++) {
    const servers = await Promise.all(hosts.map((host) => host.serve(path, TAKEOVER)));
    const owner = await pidAt(path);
    const loser = servers.find(({ pid }) => pid !== owner)!;
    t.is((await within(loser.ended, 'the one that was first did not end')).reason, 'handed-over');
    if (round === 0) t.is((await first.server.ended).reason, 'handed-over');
  }
  t.is((await status(path)).pid, await pidAt(path));
  await stop(path);
  await eventually(() => readdirSync(dirname(path)).length === 0, 'nothing is left beside it');
});

onUnix('where nobody is, and over a dead socket, it is a start like any other', async (t) => {
  const [empty, stale] = [temporaryPath(t), temporaryPath(t)];
  await leaveStaleSocket(stale);
  const host = await spawnHost(t);
  for (const path of [empty, stale]) {
    const server = await host.serve(path, TAKEOVER);
    t.is(await pidAt(path), host.pid);
    await server.close();
    await eventually(() => readdirSync(dirname(path)).length === 0, 'nothing is left beside it');
  }
  t.deepEqual(host.notices, []);
});

onUnix('a server without a control endpoint finds out by itself, and hurries nobody', async (t) => {
  const path = temporaryPath(t);
  const first = await hostServer(t, path, { control: false, pathCheckInterval: 30 });
  const silent = await rawClient(path);
  const second = await hostServer(t, path, TAKEOVER);
  await eventually(() => instanceAt(path)?.pid === second.pid, 'it is taken');
  // Longer than those have who have not spoken when a server is stopped, and than it takes it to look.
  await sleep(100);
  silent.socket.write(message('pid'));
  t.is(await silent.closed, message(String(first.pid)));
  t.is((await within(first.server.ended, 'it did not notice')).reason, 'handed-over');
  t.is(await pidAt(path), second.pid);
  t.deepEqual(second.notices, []);
});

onUnix('a server that can neither be told nor finds out is left alone', async (t) => {
  const path = temporaryPath(t);
  const first = await hostServer(t, path, { control: false, pathCheckInterval: 0 });
  const { ino } = lstatSync(path);
  const host = await spawnHost(t);
  await t.throwsAsync(host.serve(path, TAKEOVER), {
    code: 'SIMPLE_IPC_ADDRESS_IN_USE',
    message: /can't be taken over: it cannot be told: it has no control endpoint/u,
  });
  t.is(lstatSync(path).ino, ino);
  t.is(await pidAt(path), first.pid);
});

onUnix('a server that is not of this library is left alone', async (t) => {
  const path = temporaryPath(t);
  await listenAt(t, path, speaker('plain'));
  const { ino } = lstatSync(path);
  const host = await spawnHost(t);
  await t.throwsAsync(host.serve(path, TAKEOVER), {
    code: 'SIMPLE_IPC_ADDRESS_IN_USE',
    message: /it is not of this library. Stop it first, by its own means/u,
  });
  t.is(lstatSync(path).ino, ino);
  t.is(await hear(path), 'plain');
  t.deepEqual(readdirSync(dirname(path)), ['test.sock']);
});

peerTest(git)("git's own daemon is left alone", async (t, peer) => {
  const repository = await makeRepository(t, peer);
  await startDaemon(t, repository);
  const { socketPath } = repository;
  const { ino } = lstatSync(socketPath);
  const host = await spawnHost(t);
  await t.throwsAsync(host.serve(socketPath, TAKEOVER), { code: 'SIMPLE_IPC_ADDRESS_IN_USE' });
  t.is(lstatSync(socketPath).ino, ino);
});

onLinux(
  'a server that hangs: the new one serves at once, says so, and the old one ends when it can',
  async (t) => {
    const path = temporaryPath(t);
    const first = await hostServer(t, path, { control: true, pathCheckInterval: 30 });
    await first.signal('SIGSTOP');
    const host = await spawnHost(t);
    const starting = host.serve(path, TAKEOVER);
    await eventually(() => instanceAt(path)?.pid === host.pid, 'the new one has the path');
    t.is(await pidAt(path), host.pid);
    const second = await starting;
    await eventually(() => host.notices.length > 0, 'the notice');
    t.regex(
      host.notices.join('\n'),
      new RegExp(`before this one \\(pid ${first.pid}\\) could not be told that it was taken over`, 'u'),
    );
    t.regex(host.notices.join('\n'), /It ends when it looks at its path, every 30 ms\.$/u);
    await first.signal('SIGCONT');
    // It looks at its path, or takes up what it was told: which of them comes first makes no difference.
    t.is((await within(first.server.ended, 'the old one did not end')).reason, 'handed-over');
    await second.close();
    t.deepEqual(readdirSync(dirname(path)), []);
  },
);

onLinux('what a replaced server left that was killed goes with the next that stops', async (t) => {
  const path = temporaryPath(t);
  const first = await hostServer(t, path, { control: true });
  const slow = await request(path, 'wait');
  const second = await hostServer(t, path, TAKEOVER);
  await eventually(() => readdirSync(`${path}.d`).length === 2, 'the old one drains');
  await first.signal('SIGKILL');
  await t.throwsAsync(slow.text(), { code: 'SIMPLE_IPC_HUNG_UP' });
  await second.server.close();
  t.deepEqual(readdirSync(dirname(path)), []);
});

onUnix(
  'an answer that is on its way, and a client that has not spoken yet, are served to the end',
  async (t) => {
    const path = temporaryPath(t);
    const first = await hostServer(t, path);
    const answer = await request(path, 'slowly 8 60');
    const silent = await rawClient(path);
    await hostServer(t, path, TAKEOVER);
    t.is((await status(path)).live?.stats.open, 0);
    t.is(await answer.text(), '1\n2\n3\n4\n5\n6\n7\n8\n');
    silent.socket.write(message('pid'));
    t.is(await silent.closed, message(String(first.pid)));
    const { reason, stats } = await within(first.server.ended, 'the old one did not end');
    t.is(reason, 'handed-over');
    t.is(stats.ended.answered, 2);
  },
);
