import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { run, startServer } from './command.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test.serial('a server that listens: its state, and exit code 0', async (t) => {
  const { path } = await startServer(t);
  const { code, stdout, stderr } = await run(t, ['probe', path]);
  t.is(code, 0);
  t.is(stdout.toString(), 'listening\n');
  t.is(stderr, '');
});

test.serial('nothing there: the state on stdout, the cause on stderr, and exit code 1', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const { code, stdout, stderr } = await run(t, ['probe', path]);
  t.is(code, 1);
  t.is(stdout.toString(), 'not-listening\n');
  t.is(stderr, `simple-ipc: There is nothing at ${path}.\n`);
});

test.serial('a socket that a killed server left, and a file', async (t) => {
  const server = await startServer(t);
  server.child.kill('SIGKILL');
  await server.ended;
  const stale = await run(t, ['probe', server.path]);
  t.is(stale.code, 1);
  t.is(stale.stdout.toString(), 'not-listening\n');

  const file = join(temporaryDirectory(t), 'file');
  writeFileSync(file, '');
  const invalid = await run(t, ['probe', file]);
  t.is(invalid.code, 1);
  t.is(invalid.stdout.toString(), 'invalid-path\n');
  t.regex(invalid.stderr, /a file, not a socket/u);
});

test.serial('--json', async (t) => {
  const { path } = await startServer(t);
  const up = await run(t, ['probe', path, '--json', '--timeout', '5000']);
  t.is(up.code, 0);
  t.like(JSON.parse(up.stdout.toString()), { path, state: 'listening' });

  const down = await run(t, ['probe', `${path}.not`, '--json']);
  t.is(down.code, 1);
  t.like(JSON.parse(down.stdout.toString()), {
    path: `${path}.not`,
    state: 'not-listening',
    errno: 'ENOENT',
  });
});
