/** A server on a descriptor that somebody else has made to listen: the path is that one's, and stays as it is. */
import { chmodSync, closeSync, lstatSync, openSync, readdirSync, renameSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import test from 'ava';
import { request, serve, status, stop } from '../../src/index.ts';
import { handedIn } from '../support/handed-in.ts';
import { HANDED, hostServer, spawnHost, type Host } from '../support/host.ts';
import { withoutRights } from '../support/starter.ts';
import { eventually, PATIENCE } from '../support/serving.ts';
import { isRunning } from '../start/servers.ts';
import { temporaryDirectory, temporaryPath } from '../support/temporary.ts';
import { descriptorOf } from '../system/handing-in.ts';

const onUnix = process.platform === 'win32' ? test.serial.skip : test.serial;

const HANDED_IN = { control: true, fd: HANDED } as const;

const ask = async (path: string, text: string) => (await request(path, text, { deadline: PATIENCE })).text();

onUnix('it serves, can be asked about itself, and leaves the path as it is', async (t) => {
  const path = temporaryPath(t);
  const [host] = (await handedIn(t, path, {})) as [Host];
  const before = lstatSync(path, { bigint: true });
  const untouched = () => {
    const { ino, mode, ctimeNs } = lstatSync(path, { bigint: true });
    t.deepEqual({ ino, mode, ctimeNs }, { ino: before.ino, mode: before.mode, ctimeNs: before.ctimeNs });
  };
  const server = await host.serve(path, { ...HANDED_IN, program: 'tested' });
  t.is(await ask(path, 'pid'), `${host.pid}`);
  t.like(await status(path), { pid: host.pid, program: 'tested', live: { stats: { accepted: 1 } } });
  untouched();
  t.is(readdirSync(`${path}.d`).length, 1, 'its instance, and no lock');
  t.like(await stop(path), { wasRunning: true, ended: 'closed' });
  t.is((await server.ended).reason, 'closed');
  untouched();
  t.deepEqual(readdirSync(dirname(path)), ['test.sock']);
  t.deepEqual(host.notices, []);
});

onUnix('its path is not watched: it is for its owner to remove', async (t) => {
  const path = temporaryPath(t);
  const [host] = (await handedIn(t, path, {})) as [Host];
  const server = await host.serve(path, { ...HANDED_IN, pathCheckInterval: 10 });
  renameSync(path, `${path}.moved`);
  t.is(await ask(`${path}.moved`, 'slowly 2 100'), '1\n2\n');
  t.is((await server.close()).reason, 'closed');
});

onUnix('who comes when it has ended waits for the next one on the same socket', async (t) => {
  const path = temporaryPath(t);
  const [first, second] = (await handedIn(t, path, {}, {})) as [Host, Host];
  const server = await first.serve(path, HANDED_IN);
  t.is(await ask(path, 'pid'), `${first.pid}`);
  await server.close();
  const waiting = Promise.all([ask(path, 'pid'), ask(path, 'pid')]);
  await second.serve(path, HANDED_IN);
  t.deepEqual(await waiting, [`${second.pid}`, `${second.pid}`]);
});

onUnix('its path is not taken over: its owner would go on with a socket that nobody reaches', async (t) => {
  const path = temporaryPath(t);
  const [host] = (await handedIn(t, path, {})) as [Host];
  const server = await host.serve(path, HANDED_IN);
  await t.throwsAsync(
    serve(path, () => 'taken', { takeover: true }),
    {
      code: 'SIMPLE_IPC_ADDRESS_IN_USE',
      message: /that of a service manager/,
    },
  );
  t.is(await ask(path, 'pid'), `${host.pid}`);
  await server.close();
});

onUnix('what a killed server left beside it is removed by the next one', async (t) => {
  const path = temporaryPath(t);
  const [first, second] = (await handedIn(t, path, {}, {})) as [Host, Host];
  await first.serve(path, HANDED_IN);
  process.kill(first.pid, 'SIGKILL');
  await eventually(() => !isRunning(first.pid), 'the first is gone');
  await second.serve(path, HANDED_IN);
  t.is(readdirSync(`${path}.d`).length, 1);
  t.like(await status(path), { pid: second.pid, process: 'running' });
});

onUnix('it ends when it is idle, too', async (t) => {
  const path = temporaryPath(t);
  const [host] = (await handedIn(t, path, {})) as [Host];
  const server = await host.serve(path, { ...HANDED_IN, idleTimeout: 50 });
  t.is((await server.ended).reason, 'idle');
  t.true(lstatSync(path).isSocket());
});

onUnix('where nothing may be written beside it, it serves all the same, and that is told', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'test.sock');
  const user = withoutRights(t);
  if (user === undefined) return void t.pass();
  const [host] = (await handedIn(t, path, user)) as [Host];
  chmodSync(directory, 0o555);
  t.teardown(() => chmodSync(directory, 0o700));
  const server = await host.serve(path, HANDED_IN);
  t.is(await ask(path, 'pid'), `${host.pid}`);
  t.is(host.notices.length, 1);
  t.regex(
    host.notices[0]!,
    /^Beside \S+ no status could be written \(.*EACCES.*\): the server can't be asked/u,
  );
  await t.throwsAsync(status(path), { code: 'SIMPLE_IPC_NO_CONTROL' });
  t.is((await server.close()).reason, 'closed');
  t.deepEqual(readdirSync(directory), ['test.sock']);
});

onUnix('it takes no path over', async (t) => {
  await t.throwsAsync(
    serve(temporaryPath(t), () => 'pong', { fd: 3, takeover: true }),
    {
      code: 'SIMPLE_IPC_INVALID_ARGUMENT',
      message: /fd and takeover do not go together/u,
    },
  );
});

for (const fd of [-1, 1.5, Number.NaN, '3' as never, null as never]) {
  onUnix(`${typeof fd === 'string' ? `'${fd as string}'` : fd} is no descriptor`, async (t) => {
    const path = temporaryPath(t);
    await t.throwsAsync(
      serve(path, () => 'pong', { fd }),
      {
        code: 'SIMPLE_IPC_INVALID_ARGUMENT',
        message: /^fd is /u,
      },
    );
    t.deepEqual(readdirSync(dirname(path)), []);
  });
}

onUnix('what is no socket that can listen is told, and nothing is left', async (t) => {
  const path = temporaryPath(t);
  const other = temporaryPath(t);
  await hostServer(t, other);
  const client = connect(other);
  t.teardown(() => client.destroy());
  await new Promise((resolve) => client.once('connect', resolve));
  const file = openSync('/dev/null', 'r');
  t.teardown(() => closeSync(file));
  const host = await spawnHost(t, { descriptors: [file, descriptorOf(client)] });
  for (const [fd, what] of [
    [HANDED, 'a device'],
    [HANDED + 1, 'a connected socket'],
    [200, 'nothing'],
  ] as const) {
    await t.throwsAsync(
      host.serve(path, { ...HANDED_IN, fd }),
      { code: 'SIMPLE_IPC_LISTEN_FAILED', message: new RegExp(`descriptor ${fd}`, 'u') },
      what,
    );
    t.deepEqual(readdirSync(dirname(path)), [], what);
  }
});
