import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
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
    ['ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'docs', 'package.json'].toSorted(),
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
});
