// A server that a service manager starts, at the first connection, with a socket that is the manager's own.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { probe, request } from '../../src/index.ts';
import { MAIN, start } from '../cli/command.ts';
import { peerTest, program, type PeerKind } from '../support/peers.ts';
import { within } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';
import { holdSocket } from './handing-in.ts';
import { manager, perl } from './manager.ts';

const systemd = program('systemd-socket-activate', 'systemd');

const serve = (...args: string[]) => [process.execPath, MAIN, 'serve', ...args];

/** Collects what a process says on both streams. */
function listenTo(child: ChildProcess) {
  let all = '';
  const waiting = new Set<() => void>();
  const more = (text: string) => {
    all += text;
    for (const look of waiting) look();
  };
  child.stdout!.setEncoding('utf8').on('data', more);
  child.stderr!.setEncoding('utf8').on('data', more);
  return {
    get said() {
      return all;
    },
    /** Resolves when what it said from `from` on matches. */
    until: (pattern: RegExp, from = 0) =>
      within(
        new Promise<void>((resolve) => {
          const look = () => {
            if (!pattern.test(all.slice(from))) return;
            waiting.delete(look);
            resolve();
          };
          waiting.add(look);
          look();
        }),
        () => `it did not say ${String(pattern)}: ${all}`,
      ),
  };
}

async function answerOf(path: string, message = 'ping'): Promise<string> {
  return (await request(path, message)).text();
}

async function activate(t: ExecutionContext, bin: string, path: string, args: readonly string[]) {
  const child = spawn(bin, ['-l', path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const output = listenTo(child);
  await output.until(/Listening on/);
  return { child, output };
}

for (const [title, withPath] of [
  ['told its path', true],
  ['that takes the path of the socket', false],
] as const) {
  peerTest(systemd)(
    `systemd starts a server ${title} with the first request, and it is answered`,
    async (t, { bin }) => {
      const path = temporaryPath(t);
      const { child, output } = await activate(t, bin, path, serve(...(withPath ? [path] : [])));
      // An owner's choice (SocketMode=) is left to him.
      chmodSync(path, 0o660);
      const before = lstatSync(path, { bigint: true });

      t.is(await answerOf(path), 'pong');
      t.is(await answerOf(path), 'pong');
      await output.until(/Listening at/);
      t.true(output.said.includes(`Listening at ${path}, `));

      // systemd-socket-activate has become the server.
      child.kill('SIGTERM');
      const [code] = (await within(once(child, 'exit'), 'it did not end')) as [number];
      t.is(code, 0, output.said);
      await output.until(/Stopped serving at .*: 2 answered/);
      const after = lstatSync(path, { bigint: true });
      t.deepEqual([after.ino, after.mode, after.ctimeNs], [before.ino, before.mode, before.ctimeNs]);
      t.deepEqual(readdirSync(dirname(path)), ['test.sock']);
    },
  );
}

peerTest(systemd)('a path that is not the one of the socket ends it, and says both', async (t, { bin }) => {
  const path = temporaryPath(t);
  const other = join(dirname(path), 'other.sock');
  const { child, output } = await activate(t, bin, path, serve(other));
  await t.throwsAsync(answerOf(path));
  const [code] = (await once(child, 'exit')) as [number];
  t.is(code, 2);
  t.true(
    output.said.includes(`No socket at ${other} was handed in by the service manager, but the descriptor 3`),
  );
  t.true(output.said.includes(`which listens at ${path}. Give PATH and`));
  t.false(existsSync(other));
});

const systemdNotifyAndPerl: PeerKind<unknown> = {
  name: 'systemd-notify and perl',
  remedy: 'install the packages systemd and perl-base',
  find: () => perl.find() && program('systemd-notify').find(),
};

peerTest(systemdNotifyAndPerl)('the manager is told when it listens, and when it stops', async (t) => {
  const path = temporaryPath(t);
  const address = join(dirname(path), 'notify');
  const told = await manager(t, address);
  const server = start(t, ['serve', path, '--exec', 'env'], { env: { NOTIFY_SOCKET: address } });
  t.is(await told(), 'READY=1');
  t.is((await probe(path)).state, 'listening');
  t.is(await told(), 'BARRIER=1');
  // Its handlers' processes do not speak for it.
  t.notRegex(await answerOf(path), /^(?:NOTIFY_SOCKET|LISTEN_)/m);
  server.child.kill('SIGTERM');
  t.is(await told(), 'STOPPING=1');
  const { code, stderr } = await server.ended;
  t.is(code, 0);
  t.notRegex(stderr, /service manager/);
});

test('a manager that cannot be told is said, and it serves all the same', async (t) => {
  const path = temporaryPath(t);
  const server = start(t, ['serve', path], { env: { NOTIFY_SOCKET: join(dirname(path), 'nobody') } });
  await server.said(/Listening at/);
  await server.said(/The service manager could not be told READY=1: /);
  t.is(await answerOf(path), 'pong');
  server.child.kill('SIGTERM');
  t.is((await server.ended).code, 0);
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('who connects between two servers waits, and is answered by the second', async (t) => {
  const path = temporaryPath(t);
  const holder = await holdSocket(t, path, serve(path));
  const output = listenTo(holder);

  holder.stdin!.write('\n');
  await output.until(/Listening at/);
  t.is(await answerOf(path, 'quit'), '');
  await output.until(/ended 0/);

  const waiting = Promise.all([answerOf(path), answerOf(path)]);
  const secondFrom = output.said.length;
  holder.stdin!.write('\n');
  t.deepEqual(await within(waiting, 'nobody answered'), ['pong', 'pong']);
  await output.until(/Listening at/, secondFrom);
  t.is(await answerOf(path, 'quit'), '');
  await output.until(/ended 0/, secondFrom);
  t.true(lstatSync(path).isSocket());
});
