import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { within } from './support/serving.ts';
import { temporaryDirectory } from './support/temporary.ts';

const run = promisify(execFile);
const root = dirname(dirname(fileURLToPath(import.meta.url)));

test('the packed file, installed into an empty folder, serves, sends and embeds', async (t) => {
  t.timeout(300_000, 'installing takes a while where the packages have to be fetched');
  const directory = temporaryDirectory(t);
  await run('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: root });
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz')) as string;
  const home = join(directory, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }');
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(directory, tarball)], {
    cwd: home,
  });

  const installed = readdirSync(join(home, 'node_modules', 'simple-ipc'));
  t.deepEqual(
    installed.toSorted(),
    'ARCHITECTURE.md CHANGELOG.md LICENSE README.md dist docker-compose.yml docs package.json'
      .split(' ')
      .toSorted(),
  );

  // The command.
  const command = join(home, 'node_modules', '.bin', 'simple-ipc');
  const path = join(home, 'test.sock');
  const server = spawn(command, ['serve', path, '--app', 'demo'], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => server.kill('SIGKILL'));
  let said = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await within(once(server.stderr, 'data'), 'serve says that it listens');
  t.is((await run(command, ['send', path, 'ping', '--wait-if-missing'])).stdout, 'pong');
  t.is((await run(command, ['probe', path])).stdout.trim(), 'listening');
  server.kill('SIGTERM');
  const [code] = await within(once(server, 'exit'), `serve ends; it said ${said}`);
  t.is(code, 0);

  // A handler of a module that uses the package has the same one as the command, which loads its own modules in a way of its own.
  writeFileSync(
    join(home, 'handler.js'),
    `import { QUIT, request } from 'simple-ipc';
const channel = (await import('node:diagnostics_channel')).tracingChannel('simple-ipc:request');
let seen = 0;
channel.subscribe({ start: () => seen++ });
export default async (incoming, { signal }) => {
  const text = await incoming.text();
  if (text === 'quit') return QUIT;
  if (text === 'itself') return request(${JSON.stringify(path)}, 'seen', { signal });
  return \`\${text} \${seen}\`;
};
`,
  );
  const owned = spawn(command, ['serve', path, '--module', join(home, 'handler.js')], { stdio: 'ignore' });
  t.teardown(() => owned.kill('SIGKILL'));
  const exit = once(owned, 'exit');
  t.is((await run(command, ['send', path, 'itself', '--wait-if-missing', '20000'])).stdout, 'seen 2');
  t.is((await run(command, ['send', path, 'quit'])).stdout, '');
  t.deepEqual(await within(exit, 'serve ends by QUIT'), [0, null]);

  // A program on the public API, and its types as a user's compiler sees them.
  const script = join(home, 'embed.ts');
  writeFileSync(
    script,
    `import { serve, request, probe, QUIT, SimpleIpcError, type Handler, type Server } from 'simple-ipc';
const handler: Handler = async function* (incoming) {
  if ((await incoming.text()) === 'quit') return QUIT;
  yield 'embedded';
};
const path: string = process.argv[2] as string;
const server: Server = await serve(path, handler);
console.log((await probe(path)).state, await (await request(path, 'x')).text());
try {
  await request(path + '.missing');
} catch (error) {
  console.log(error instanceof SimpleIpcError && error.code);
}
await request(path, 'quit');
console.log((await server.closed).reason);
`,
  );
  const { stdout, stderr } = await run(process.execPath, [script, join(home, 'embed.sock')], { cwd: home });
  t.is(stdout, 'listening embedded\nSIMPLE_IPC_PATH_NOT_FOUND\nquit\n');
  t.is(stderr, '');
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')];
  const compiler = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', ...types, script];
  await t.notThrowsAsync(run(join(root, 'node_modules', '.bin', 'tsc'), compiler, { cwd: home }));

  // Traces: without the SDK it says what to install, and with it they are exported.
  const missing = await t.throwsAsync(run(command, ['serve', path, '--trace']));
  t.regex((missing as Error & { stderr: string }).stderr, /npm install @opentelemetry\/sdk-node/);
  const { version } = JSON.parse(
    readFileSync(join(root, 'node_modules', '@opentelemetry', 'sdk-node', 'package.json'), 'utf8'),
  ) as { version: string };
  const sdk = `@opentelemetry/sdk-node@${version}`;
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', sdk], { cwd: home });
  const collector = await collecting(t);
  const traced = join(home, 'trace.ts');
  writeFileSync(
    traced,
    `import { serve, request } from 'simple-ipc';
import { startTelemetry } from 'simple-ipc/telemetry';
const [path = '', endpoint = ''] = process.argv.slice(2);
const telemetry = await startTelemetry({ endpoint, serviceName: 'packed' });
const server = await serve(path, () => 'traced', { telemetry });
console.log(await (await request(path, 'x', { telemetry })).text());
await server.close();
await telemetry.shutdown();
console.log(telemetry.stats.exported);
`,
  );
  const tracedPath = join(home, 'traced.sock');
  const told = await run(process.execPath, [traced, tracedPath, collector.endpoint], { cwd: home });
  t.is(told.stdout, 'traced\n2\n', told.stderr);
  t.true(collector.received().includes('packed'), 'the name of the service');
  t.true(collector.received().includes(tracedPath), 'the path of the server');
});

/** A collector that keeps what it is sent. */
async function collecting(
  t: ExecutionContext,
): Promise<{ readonly endpoint: string; readonly received: () => string }> {
  const bodies: Buffer[] = [];
  const server = createServer((incoming, answer) => {
    incoming.on('data', (chunk: Buffer) => bodies.push(chunk)).on('end', () => answer.end());
  });
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    received: () => Buffer.concat(bodies).toString('latin1'),
  };
}
