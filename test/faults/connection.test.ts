import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { request, type ServerStats } from '../../src/index.ts';
import { program, peerTest } from '../support/peers.ts';
import { message, packet, rawClient } from '../support/raw-client.ts';
import { eventually, serving, within } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';

const ask = async (path: string, text: string) => (await request(path, text)).text();

test('clients that stall, flood, half-close, reset and send garbage, all at once, and the service goes on', async (t) => {
  const { path, server } = await serving(t, (incoming) => incoming.text(), {
    readTimeout: 200,
    writeTimeout: 200,
    maxRequestBytes: 2 ** 20,
    concurrency: 4,
  });
  const misdeeds: ((client: Awaited<ReturnType<typeof rawClient>>) => void)[] = [
    ({ socket }) => void socket.write('0'),
    ({ socket }) => {
      const piece = packet('f'.repeat(65_516));
      for (let sent = 0; sent < 4 * 2 ** 20; sent += piece.length) socket.write(piece);
    },
    ({ socket }) => void socket.end(packet('half')),
    ({ socket }) => {
      socket.write(message('reset me'));
      socket.destroy();
    },
    ({ socket }) => void socket.write(Buffer.from([0xff, 0xfe, 0x00])),
    ({ socket }) => void socket.write(message('x') + 'surplus'.repeat(20_000)),
  ];
  const clients = await Promise.all(
    Array.from({ length: 60 }, async (_, n) => {
      const client = await rawClient(path);
      misdeeds[n % misdeeds.length]?.(client);
      return client;
    }),
  );
  for (let n = 0; n < 20; n++) t.is(await ask(path, `good ${n}`), `good ${n}`);
  for (const client of clients) {
    const answer = await client.closed;
    // The surplus may come after the answer: then that is whole. Nobody else may see a flush packet.
    t.true(
      answer === '' || answer === message('x') || answer === message('reset me'),
      JSON.stringify(answer),
    );
  }
  await eventually(() => server.stats.open === 0 && server.stats.running === 0, 'nothing is left');
  const { ended } = server.stats;
  t.is(ended['timed-out'], 10);
  t.is(ended.limit, 10);
  t.is(ended['hung-up'] >= 10, true);
  t.is(ended['protocol-error'] >= 10, true);
  t.is(server.stats.bufferedBytes, 0);
});

const onLinux = process.platform === 'linux' ? test : test.skip;
onLinux(
  'without descriptors connections are refused, counted and reported; with them all is well again',
  async (t) => {
    const path = temporaryPath(t);
    const script = fileURLToPath(new URL('descriptors-child.ts', import.meta.url));
    const child = spawn('sh', ['-c', 'ulimit -n 40; exec "$@"', 'sh', process.execPath, script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    await eventually(() => lines.includes('listening'), 'it listens');
    const sockets: Socket[] = [];
    let closed = 0;
    for (let n = 0; n < 100; n++) {
      const socket = connect(path);
      sockets.push(socket);
      socket.on('error', () => {}).on('close', () => closed++);
    }
    const failures = () => lines.filter((line) => line === 'ACCEPT_FAILED').length;
    // Every one of them is either open or was refused, and was told so.
    await eventually(() => failures() > 50 && failures() === closed, 'the refused are counted');
    for (const socket of sockets) socket.destroy();
    await eventually(() => closed === 100, 'all are closed');
    t.is(await ask(path, 'again'), 'again');
    const refused = failures();
    child.kill('SIGTERM');
    await once(child, 'exit');
    await eventually(() => lines.at(-1)?.startsWith('{') === true, 'the counters are printed');
    const stats = JSON.parse(lines.at(-1) as string) as ServerStats;
    t.is(stats.acceptErrors, refused);
    t.is(stats.accepted + stats.acceptErrors, 101);
  },
);

for (const [name, debianPackage, args] of [
  ['nc', 'netcat-openbsd', ['-N', '-U']],
  ['socat', 'socat', ['-t5', '-']],
] as const) {
  peerTest(program(name, debianPackage))(
    `${name}, which half-closes after its request, is answered`,
    async (t, { bin }) => {
      const { path, ended } = await serving(t, async (incoming) => {
        const asked = await incoming.text();
        await new Promise((resolve) => setTimeout(resolve, 120));
        return asked;
      });
      const child = spawn(bin, [...args, name === 'nc' ? path : `UNIX-CONNECT:${path}`], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      child.stdin.end(message('half-closed'));
      let answer = '';
      child.stdout.setEncoding('latin1').on('data', (text: string) => (answer += text));
      await within(once(child, 'close'), `${name} ends`);
      t.is(answer, message('half-closed'));
      t.is((await ended(1)).output.outcome, 'answered');
    },
  );
}
