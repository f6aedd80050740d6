/** Ending the server at a path: politely, and by force where it is proved to be that server. */
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { request, serve, stop } from '../../src/index.ts';
import { processStartTime } from '../../src/runtime/rendezvous/process-state.ts';
import type { InstanceStatus } from '../../src/runtime/rendezvous/status.ts';
import { makeRepository, startDaemon, stopDaemon } from '../interop/repository.ts';
import { controlled } from '../support/controlled.ts';
import { handedIn } from '../support/handed-in.ts';
import { HANDED, hostServer, spawnHost, stateOf } from '../support/host.ts';
import { git, peerTest } from '../support/peers.ts';
import { ask as hear, leaveStaleSocket, listenAt, longName, speaker } from '../support/rendezvous.ts';
import { eventually, gate, within } from '../support/serving.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';
import { isRunning } from '../start/servers.ts';
import { forge, statusFile } from '../doctor/setting.ts';

const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

/** All that stands at a path and beside it. */
const left = (path: string) => readdirSync(dirname(path));

test.serial('it resolves when the server has finished what it had, and nothing of it is left', async (t) => {
  const path = temporaryPath(t);
  const { pid, server } = await hostServer(t, path);
  const answer = await request(path, 'slowly 5 40');
  const stopped = await stop(path);
  t.deepEqual(stopped, {
    wasRunning: true,
    pid,
    ended: 'closed',
    killedBy: undefined,
    aborted: 0,
    draining: [],
  });
  t.deepEqual(left(path), []);
  t.is(await answer.text(), '1\n2\n3\n4\n5\n');
  t.like(await server.ended, { reason: 'closed', stats: { ended: { answered: 1 } } });
});

test.serial('drainTimeout: what still runs then is left off', async (t) => {
  const path = temporaryPath(t);
  const { server } = await hostServer(t, path, { control: true, drainTimeout: 60_000 });
  const answer = await request(path, 'wait');
  t.like(await stop(path, { drainTimeout: 30 }), { wasRunning: true, ended: 'closed', aborted: 1 });
  await t.throwsAsync(answer.text(), { code: 'SIMPLE_IPC_HUNG_UP' });
  t.like(await server.ended, { stats: { ended: { aborted: 1 } } });
  t.deepEqual(left(path), []);
});

test.serial('timeout: that is told, and the server goes on finishing', async (t) => {
  const held = gate<string>();
  const { path, server } = await controlled(t, () => held.promise, { drainTimeout: 60_000 });
  const answer = request(path, 'x');
  await eventually(() => server.stats.running === 1, 'the request runs');
  const error = await t.throwsAsync(stop(path, { timeout: 50 }), {
    code: 'SIMPLE_IPC_STOP_FAILED',
    message:
      /\(pid \d+\) has not stopped after 50 ms; 1 request runs \(status says more\)\. timeout \(--timeout\) waits longer/u,
  });
  t.like(error, { path });
  t.is(server.state, 'draining');
  held.resolve('done');
  t.is(await (await answer).text(), 'done');
  t.is((await server.closed).reason, 'closed');
});

test.serial('one that drains is still stopped: waited for, and hurried', async (t) => {
  const path = temporaryPath(t);
  const { pid, server } = await hostServer(t, path, { control: true, drainTimeout: 60_000 });
  const answer = await request(path, 'wait');
  await t.throwsAsync(stop(path, { timeout: 50 }), { code: 'SIMPLE_IPC_STOP_FAILED' });
  t.false(existsSync(path));
  await t.throwsAsync(stop(path, { timeout: 50 }), { code: 'SIMPLE_IPC_STOP_FAILED' });
  t.like(await stop(path, { drainTimeout: 0 }), { wasRunning: true, pid, ended: 'closed' });
  await t.throwsAsync(answer.text());
  t.is((await server.ended).reason, 'closed');
  t.deepEqual(left(path), []);
});

onLinux('one that drains and hangs is killed by force', async (t) => {
  const path = temporaryPath(t);
  const host = await hostServer(t, path, { control: true, drainTimeout: 60_000 });
  const answer = await request(path, 'wait');
  await t.throwsAsync(stop(path, { timeout: 50 }), { code: 'SIMPLE_IPC_STOP_FAILED' });
  await host.signal('SIGSTOP');
  t.like(await stop(path, { timeout: 50, force: true }), { pid: host.pid, killedBy: 'SIGKILL' });
  t.is(await host.exited, 'SIGKILL');
  await t.throwsAsync(answer.text());
  t.deepEqual(left(path), []);
});

test.serial('two at once: both are told that it has ended', async (t) => {
  for (let round = 0; round < 5; round++) {
    const { path, server } = await controlled(t);
    const outcomes = await Promise.all([stop(path), stop(path), stop(path)]);
    t.true(outcomes.every(({ killedBy }) => killedBy === undefined));
    t.true(outcomes.some(({ ended }) => ended === 'closed'));
    t.is((await server.closed).reason, 'closed');
    t.deepEqual(left(path), []);
  }
});

test.serial('while it ends, however late one asks', async (t) => {
  // From the moment that it begins to end until nothing is left, in steps of about one turn of the loop.
  for (let turns = 0; turns < 25; turns++) {
    const { path, server } = await controlled(t);
    const closing = server.close();
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    await t.notThrowsAsync(stop(path), `after ${turns} turns`);
    t.deepEqual(left(path), [], `after ${turns} turns`);
    await closing;
  }
});

test.serial('its signal ends the wait, and not what the server was told', async (t) => {
  const held = gate<string>();
  const { path, server } = await controlled(t, () => held.promise);
  const answer = request(path, 'x');
  await eventually(() => server.stats.running === 1, 'the request runs');
  const controller = new AbortController();
  const stopping = stop(path, { signal: controller.signal, force: true });
  await eventually(() => server.state === 'draining', 'it is told');
  controller.abort(new Error('enough'));
  await t.throwsAsync(stopping, { code: 'SIMPLE_IPC_ABORTED', message: /enough/u });
  held.resolve('done');
  t.is(await (await answer).text(), 'done');
  await server.closed;
});

test.serial('wrong options are told, and nothing is stopped', async (t) => {
  const { path, server } = await controlled(t);
  for (const options of [{ timeout: -1 }, { drainTimeout: Number.NaN }, { timeout: '1' as never }]) {
    await t.throwsAsync(stop(path, options), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
  }
  t.is(server.state, 'accepting');
});

onLinux('force: a process that hangs is killed, and what it left is removed', async (t) => {
  const path = temporaryPath(t);
  const host = await hostServer(t, path);
  await host.signal('SIGSTOP');
  await t.throwsAsync(stop(path, { timeout: 50 }), {
    code: 'SIMPLE_IPC_STOP_FAILED',
    message: new RegExp(`its process is stopped.* kill -CONT ${host.pid} lets it go on`, 'u'),
  });
  t.is(stateOf(host.pid), 'T', 'without force it lives');
  const stopped = await stop(path, { timeout: 50, force: true });
  t.deepEqual(stopped, {
    wasRunning: true,
    pid: host.pid,
    ended: undefined,
    killedBy: 'SIGKILL',
    aborted: 0,
    draining: [],
  });
  t.is(await host.exited, 'SIGKILL');
  t.deepEqual(left(path), []);
});

onLinux('force: one that drains for too long is killed', async (t) => {
  const path = temporaryPath(t);
  const host = await hostServer(t, path, { control: true, drainTimeout: 60_000 });
  const answer = await request(path, 'wait');
  t.like(await stop(path, { timeout: 50, force: true }), { killedBy: 'SIGKILL' });
  await t.throwsAsync(answer.text());
  t.is(await host.exited, 'SIGKILL');
  t.deepEqual(left(path), []);
});

onLinux('force: who has no control endpoint is asked by SIGTERM', async (t) => {
  const path = temporaryPath(t);
  const host = await hostServer(t, path, { control: false });
  await t.throwsAsync(stop(path), {
    code: 'SIMPLE_IPC_STOP_FAILED',
    message:
      /has no control endpoint\. kill \d+ asks it to stop \(SIGTERM\), or force \(--force\) does that\.$/u,
  });
  t.true(isRunning(host.pid));
  t.like(await stop(path, { force: true }), { wasRunning: true, pid: host.pid, killedBy: 'SIGTERM' });
  t.is(await host.exited, 'SIGTERM');
  t.deepEqual(left(path), []);
});

onLinux('force: at a path that is longer than an address', async (t) => {
  const path = longName(temporaryDirectory(t), 'app.sock', 250);
  mkdirSync(dirname(path), { recursive: true });
  const host = await hostServer(t, path);
  await host.signal('SIGSTOP');
  t.like(await stop(path, { timeout: 50, force: true }), { pid: host.pid, killedBy: 'SIGKILL' });
  t.deepEqual(left(path), []);
});

for (const control of [true, false]) {
  const which = control ? 'whose control endpoint hangs' : 'without a control endpoint';
  onLinux(`a status ${which} that names another process: that one lives`, async (t) => {
    const path = temporaryPath(t);
    const real = await hostServer(t, path, { control });
    const innocent = await spawnHost(t);
    await real.signal('SIGSTOP');
    forge(path, () => ({ pid: innocent.pid, processStartTime: processStartTime(innocent.pid) }));
    await t.throwsAsync(stop(path, { timeout: 50, force: true }), {
      code: 'SIMPLE_IPC_STOP_FAILED',
      message: new RegExp(`that process ${innocent.pid} is that server can't be proved`, 'u'),
    });
    t.true(isRunning(innocent.pid));
    t.is(stateOf(real.pid), 'T');
    t.true(existsSync(path));
  });
}

onLinux('a status that names a server elsewhere: that one lives', async (t) => {
  const [path, other] = [temporaryPath(t), temporaryPath(t)];
  const real = await hostServer(t, path);
  const innocent = await hostServer(t, other);
  await real.signal('SIGSTOP');
  forge(path, () => ({ pid: innocent.pid, processStartTime: processStartTime(innocent.pid) }));
  await t.throwsAsync(stop(path, { timeout: 50, force: true }), { code: 'SIMPLE_IPC_STOP_FAILED' });
  t.is(await (await request(other, 'pid')).text(), String(innocent.pid));
});

onLinux('a process long gone whose pid another has now: nothing is killed, and its rest goes', async (t) => {
  const path = temporaryPath(t);
  const host = await hostServer(t, path);
  const innocent = await spawnHost(t);
  await host.signal('SIGKILL');
  forge(path, () => ({ pid: innocent.pid }));
  t.like(await stop(path, { force: true, timeout: 50 }), { wasRunning: false, killedBy: undefined });
  t.true(isRunning(innocent.pid));
  t.deepEqual(left(path), []);
});

onLinux('what a killed server left goes', async (t) => {
  const path = temporaryPath(t);
  const host = await hostServer(t, path);
  await host.signal('SIGKILL');
  t.deepEqual(await stop(path), {
    wasRunning: false,
    pid: host.pid,
    ended: undefined,
    killedBy: undefined,
    aborted: 0,
    draining: [],
  });
  t.deepEqual(left(path), []);
});

onLinux('so it does where its socket was deleted, and where its directory was', async (t) => {
  for (const what of ['', '.d']) {
    const path = temporaryPath(t);
    const host = await hostServer(t, path);
    await host.signal('SIGKILL');
    rmSync(`${path}${what}`, { recursive: true });
    t.like(await stop(path), { wasRunning: false });
    t.deepEqual(left(path), []);
  }
});

onLinux('what a server elsewhere has left is not waited for, and stays', async (t) => {
  const path = temporaryPath(t);
  const host = await hostServer(t, path);
  await host.signal('SIGKILL');
  forge(path, () => ({ host: 'another.example', bootId: 'another' }));
  rmSync(path);
  t.like(await stop(path, { force: true }), { wasRunning: false, pid: undefined });
  t.deepEqual(left(path), ['test.sock.d']);
});

test.serial('where nothing is, there is nothing to do, and nothing is made', async (t) => {
  const path = temporaryPath(t);
  t.deepEqual(await stop(path), {
    wasRunning: false,
    pid: undefined,
    ended: undefined,
    killedBy: undefined,
    aborted: 0,
    draining: [],
  });
  t.deepEqual(left(path), []);
  t.like(await stop(`${path}/no/such`), { wasRunning: false });
  await leaveStaleSocket(path);
  t.like(await stop(path), { wasRunning: false, pid: undefined });
  t.deepEqual(left(path), []);
});

test.serial('a server that is not of this library is left alone, by force, too', async (t) => {
  const path = temporaryPath(t);
  await listenAt(t, path, speaker('plain'));
  for (const force of [false, true])
    await t.throwsAsync(stop(path, { force }), { code: 'SIMPLE_IPC_NO_CONTROL' });
  t.is(await hear(path), 'plain');
});

peerTest(git)("git's own daemon is left alone, and what it left when it was killed goes", async (t, peer) => {
  const repository = await makeRepository(t, peer);
  const daemon = await startDaemon(t, repository);
  await t.throwsAsync(stop(repository.socketPath, { force: true }), { code: 'SIMPLE_IPC_NO_CONTROL' });
  await stopDaemon(daemon);
  t.like(await stop(repository.socketPath), { wasRunning: false });
  t.false(existsSync(repository.socketPath));
});

test.serial('an idle client, and one of events, do not hold it up', async (t) => {
  const { path, server, control } = await controlled(t, undefined, { drainTimeout: 60_000 });
  const watching = await request(path, 'x');
  await watching.text();
  const events = request(control, 'events');
  await eventually(() => server.stats.open === 0, 'it is idle');
  t.like(await within(stop(path), 'it did not end', 10_000), { ended: 'closed' });
  await (await events).text();
  t.deepEqual(left(path), []);
});

test.serial('a server that is stopped, and one that is started at once', async (t) => {
  const path = temporaryPath(t);
  for (let round = 0; round < 10; round++) {
    const server = await serve(path, () => `${round}`, { control: true });
    t.is(await (await request(path)).text(), `${round}`);
    t.like(await stop(path), { wasRunning: true, ended: 'closed' });
    t.is((await server.closed).reason, 'closed');
  }
  t.deepEqual(left(path), []);
});

onLinux('a directory that was renamed: the server there is stopped, and nothing of it is left', async (t) => {
  for (const force of [false, true]) {
    const base = temporaryDirectory(t);
    mkdirSync(join(base, 'old'));
    const host = await hostServer(t, join(base, 'old', 'x.sock'), { control: true, pathCheckInterval: 0 });
    renameSync(join(base, 'old'), join(base, 'new'));
    const path = join(base, 'new', 'x.sock');
    if (force) await host.signal('SIGSTOP');
    t.like(await stop(path, { force, timeout: force ? 50 : 10_000 }), {
      wasRunning: true,
      pid: host.pid,
      ended: force ? undefined : 'closed',
      killedBy: force ? 'SIGKILL' : undefined,
    });
    t.deepEqual(left(path), []);
    await (force ? host.exited : host.server.ended);
  }
});

onLinux('what is written down of it is removed while it drains: it has not ended', async (t) => {
  const path = temporaryPath(t);
  const host = await hostServer(t, path, { control: true, drainTimeout: 60_000 });
  const answer = await request(path, 'wait');
  const stopping = stop(path, { timeout: 500 });
  await eventually(() => !existsSync(path), 'it is told');
  rmSync(`${path}.d`, { recursive: true });
  await t.throwsAsync(stopping, { code: 'SIMPLE_IPC_STOP_FAILED' });
  t.true(isRunning(host.pid));
  answer.cancel();
});

for (const tells of ['the path', 'nothing']) {
  onLinux(
    `a status that names another listening process, and of its path tells ${tells}: that one lives`,
    async (t) => {
      const [path, other] = [temporaryPath(t), temporaryPath(t)];
      const real = await hostServer(t, path, { control: false });
      const innocent = await hostServer(t, other, { control: false });
      await real.signal('SIGSTOP');
      const { pid, processStartTime: startTime, boundAs } = statusIn(other);
      forge(path, () => ({
        pid,
        processStartTime: startTime,
        boundAs,
        ...(tells === 'the path' ? { path: other } : undefined),
      }));
      await t.throwsAsync(stop(path, { timeout: 50, force: true }), {
        code: 'SIMPLE_IPC_STOP_FAILED',
        message: /can't be proved/u,
      });
      t.is(await (await request(other, 'pid')).text(), String(innocent.pid));
    },
  );
}

onLinux('a copy of a directory does not end the server of the original', async (t) => {
  const base = temporaryDirectory(t);
  mkdirSync(join(base, 'real'));
  const host = await hostServer(t, join(base, 'real', 'x.sock'));
  const [name] = readdirSync(join(base, 'real', 'x.sock.d'));
  mkdirSync(join(base, 'copy', 'x.sock.d', name!), { recursive: true, mode: 0o700 });
  const file = join('x.sock.d', name!, 'status.json');
  copyFileSync(join(base, 'real', file), join(base, 'copy', file));
  t.like(await stop(join(base, 'copy', 'x.sock'), { timeout: 50, force: true }), { wasRunning: false });
  t.is(await (await request(join(base, 'real', 'x.sock'), 'pid')).text(), String(host.pid));
});

onLinux('force: on a socket that was handed in', async (t) => {
  const path = temporaryPath(t);
  const [host] = await handedIn(t, path, {});
  await host!.serve(path, { fd: HANDED, control: true });
  await host!.signal('SIGSTOP');
  t.like(await stop(path, { timeout: 50, force: true }), { pid: host!.pid, killedBy: 'SIGKILL' });
  t.deepEqual(left(path), ['test.sock'], 'it is for its owner to remove');
});

onLinux('a server whose process is killed while it stops has ended', async (t) => {
  for (let round = 0; round < 3; round++) {
    const path = temporaryPath(t);
    const host = await hostServer(t, path, { control: true, drainTimeout: 60_000 });
    const answer = await request(path, 'wait');
    const stopping = stop(path);
    await eventually(() => !existsSync(path), 'it drains');
    process.kill(host.pid, 'SIGKILL');
    t.like(await stopping, { wasRunning: true, pid: host.pid, ended: undefined, killedBy: undefined });
    await t.throwsAsync(answer.text());
    t.deepEqual(left(path), []);
  }
});

for (const control of [true, false]) {
  onLinux(
    `a worker thread that served (control: ${control}) and was terminated: what it left goes`,
    async (t) => {
      for (const force of [false, true]) {
        const path = temporaryPath(t);
        const index = new URL('../../src/index.ts', import.meta.url).href;
        const worker = new Worker(
          `import { parentPort } from 'node:worker_threads';
         import { serve } from '${index}';
         await serve(${JSON.stringify(path)}, () => 'x', { control: ${control} });
         parentPort.postMessage('up');
         setInterval(() => {}, 60_000);`,
          { eval: true },
        );
        await within(once(worker, 'message'), 'it is not up');
        await worker.terminate();
        t.like(await stop(path, { force }), { wasRunning: false, pid: process.pid });
        t.deepEqual(left(path), []);
      }
    },
  );
}

test.serial('after a takeover, who still finishes what it has is told', async (t) => {
  const path = temporaryPath(t);
  const first = await hostServer(t, path, { control: true, drainTimeout: 60_000 });
  const answer = await request(path, 'wait');
  const second = await hostServer(t, path, { control: true, takeover: true });
  t.like(await stop(path), { pid: second.pid, ended: 'closed', draining: [first.pid] });
  t.like(await stop(path, { drainTimeout: 0 }), { pid: first.pid, draining: [], aborted: 1 });
  await t.throwsAsync(answer.text());
});

test.serial('by a link to the socket', async (t) => {
  const { path, server } = await controlled(t);
  const link = join(temporaryDirectory(t), 'link');
  symlinkSync(path, link);
  t.like(await stop(link), { wasRunning: true, ended: 'closed' });
  t.is((await server.closed).reason, 'closed');
  t.deepEqual(left(path), []);
});

function statusIn(path: string): InstanceStatus {
  return JSON.parse(readFileSync(statusFile(path), 'utf8')) as InstanceStatus;
}
