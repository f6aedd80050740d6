import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'ava';
import { request } from '../../src/index.ts';
import { stateOf } from '../support/host.ts';
import { ask, listenAt } from '../support/rendezvous.ts';
import { eventually } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';
import { run, start, startServer } from './command.ts';

const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

test.serial('it returns when the server has ended: exit code 0 for both', async (t) => {
  const server = await startServer(t);
  const { code, stdout, stderr } = await run(t, ['stop', server.path]);
  t.is(code, 0);
  t.is(stdout.toString(), '');
  t.is(stderr, `simple-ipc: The server at ${server.path} (pid ${server.pid}) has ended: closed.\n`);
  t.deepEqual(readdirSync(dirname(server.path)), []);
  const ended = await server.ended;
  t.is(ended.code, 0);
  t.regex(ended.stderr, /Stopped serving at \S+: nobody had connected\.\n$/u);
});

test.serial('a running request finishes first', async (t) => {
  const server = await startServer(t, ['--exec', 'echo begun; sleep 0.4; echo done']);
  const answer = await request(server.path, 'x');
  const { code } = await run(t, ['stop', server.path]);
  t.is(code, 0);
  t.is(await answer.text(), 'begun\ndone\n');
  t.is((await server.ended).code, 0);
});

test.serial('--timeout: exit code 1, and it can be waited for again, or hurried', async (t) => {
  const server = await startServer(t, ['--exec', 'echo begun; exec sleep 100', '--drain-timeout', '60000']);
  const answer = await request(server.path, 'x');
  const { code, stderr } = await run(t, ['stop', server.path, '--timeout', '200']);
  t.is(code, 1);
  t.regex(
    stderr,
    /^simple-ipc: The server at \S+ \(pid \d+\) has not stopped after 200 ms; 1 request runs \(status says more\)\. [^/]*$/u,
  );
  const again = await run(t, ['stop', server.path, '--drain-timeout', '0']);
  t.is(again.code, 0);
  t.is(
    again.stderr,
    `simple-ipc: The server at ${server.path} (pid ${server.pid}) has ended: closed; 1 request was aborted.\n`,
  );
  await t.throwsAsync(answer.text());
  t.is((await server.ended).code, 1, 'not every request was finished');
});

onLinux('--force: one that hangs is killed', async (t) => {
  const server = await startServer(t);
  server.child.kill('SIGSTOP');
  await eventually(() => stateOf(server.pid) === 'T', 'it is stopped');
  const { code, stderr } = await run(t, ['stop', server.path, '--timeout', '100', '--force']);
  t.is(code, 0);
  t.is(stderr, `simple-ipc: Process ${server.pid}, the server at ${server.path}, has ended by SIGKILL.\n`);
  t.is((await server.ended).code, 'SIGKILL');
  t.deepEqual(readdirSync(dirname(server.path)), []);
});

onLinux('--force without a control endpoint: SIGTERM, which drains', async (t) => {
  const server = await startServer(t, ['--no-control']);
  const polite = await run(t, ['stop', server.path]);
  t.is(polite.code, 1);
  t.regex(polite.stderr, /has no control endpoint\./u);
  const { code, stderr } = await run(t, ['stop', server.path, '--force']);
  t.is(code, 0);
  t.regex(stderr, /has ended by SIGTERM\.\n$/u);
  const ended = await server.ended;
  t.is(ended.code, 0);
  t.regex(ended.stderr, /SIGTERM: draining/u);
});

test.serial('no server: exit code 0, for that is what was wanted', async (t) => {
  const path = temporaryPath(t);
  const { code, stderr } = await run(t, ['stop', path]);
  t.is(code, 0);
  t.is(stderr, `simple-ipc: No server is running at ${path}.\n`);

  const server = await startServer(t);
  server.child.kill('SIGKILL');
  await server.ended;
  const left = await run(t, ['stop', server.path]);
  t.is(left.code, 0);
  t.is(
    left.stderr,
    `simple-ipc: No server is running at ${server.path}; what process ${server.pid} had left there is removed.\n`,
  );
  t.deepEqual(readdirSync(dirname(server.path)), []);
});

test.serial('a server that is not of ours: exit code 1, and it is left alone', async (t) => {
  const path = temporaryPath(t);
  await listenAt(t, path);
  const { code, stderr } = await run(t, ['stop', path, '--force']);
  t.is(code, 1);
  t.regex(stderr, /it is not of this library/u);
  t.is(await ask(path), 'plain');
});

test.serial('wrong arguments: exit code 2', async (t) => {
  for (const args of [['stop'], ['stop', 'a', '--timeout', '-1'], ['stop', 'a', '--drain-timeout', 'x']])
    t.is((await run(t, args)).code, 2, args.join(' '));
});

test.serial('interrupted, it stops waiting, and the server goes on ending', async (t) => {
  const server = await startServer(t, ['--exec', 'echo begun; sleep 0.5; echo done']);
  const answer = await request(server.path, 'x');
  const stopping = start(t, ['stop', server.path]);
  await server.said(/Listening/u);
  await eventually(() => readdirSync(dirname(server.path)).every((name) => name !== 'app.sock'), 'it drains');
  stopping.child.kill('SIGINT');
  t.not((await stopping.ended).code, 0);
  t.is(await answer.text(), 'begun\ndone\n');
  t.is((await server.ended).code, 0);
});

test.serial('after a takeover: the one before it is named', async (t) => {
  const first = await startServer(t, ['--exec', 'echo begun; exec sleep 100', '--drain-timeout', '60000']);
  const answer = await request(first.path, 'x');
  const second = start(t, ['serve', first.path, '--takeover']);
  await second.said(/Listening at/u);
  const { code, stderr } = await run(t, ['stop', first.path]);
  t.is(code, 0);
  t.is(
    stderr,
    `simple-ipc: The server at ${first.path} (pid ${second.pid}) has ended: closed. ` +
      `One that had the path before still finishes what it has (pid ${first.pid}).\n`,
  );
  await run(t, ['stop', first.path, '--drain-timeout', '0']);
  await t.throwsAsync(answer.text());
});
