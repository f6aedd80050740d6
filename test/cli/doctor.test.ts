import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import type { Diagnosis } from '../../src/doctor/types.ts';
import { peerTest, program } from '../support/peers.ts';
import { leaveStaleSocket, listenAt } from '../support/rendezvous.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { MAIN, run, startServer } from './command.ts';

const CHECK = /^([-+x!?]) ([a-z-]+) +(\S.*)$/u;

test.serial(
  'a server that answers: each check with its mark, the reason, what to do, and exit code 0',
  async (t) => {
    const { path } = await startServer(t);
    const { code, stdout, stderr } = await run(t, ['doctor', path, '--timeout', '5000']);
    t.is(code, 0, stdout.toString());
    t.is(stderr, '');
    const [checks, conclusion] = stdout.toString().split('\n\n');
    for (const line of checks!.split('\n')) t.regex(line, CHECK);
    t.regex(checks!, /^\+ listening +somebody listens/mu);
    t.regex(conclusion!, /^healthy: .*\nTo do: Nothing\.\n$/u);
  },
);

test.serial('a dead socket: what failed, what was not looked at, and exit code 1', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  await leaveStaleSocket(path);
  const { code, stdout, stderr } = await run(t, ['doctor', path]);
  t.is(code, 1);
  t.is(stderr, '');
  const [checks, conclusion] = stdout.toString().split('\n\n');
  t.regex(checks!, /^x listening +nobody listens on it$/mu);
  t.regex(checks!, /^- answer +not looked at/mu);
  t.regex(conclusion!, /^stale-socket-no-status: .*\nTo do: Start the server: it replaces the socket\.\n$/u);
});

test.serial('what others have chosen reaches the terminal as text alone', async (t) => {
  const path = join(temporaryDirectory(t), '\u001B[31mred\nsock');
  const { code, stdout } = await run(t, ['doctor', path]);
  t.is(code, 1);
  t.false(stdout.includes('\u001B'));
  for (const line of stdout.toString().split('\n\n')[0]!.split('\n')) t.regex(line, CHECK);
});

test.serial('--json', async (t) => {
  const { path } = await startServer(t);
  const up = await run(t, ['doctor', path, '--json', '--deep', '--timeout', '5000']);
  t.is(up.code, 0);
  const healthy = JSON.parse(up.stdout.toString()) as Diagnosis;
  t.like(healthy, { path, healthy: true, reason: 'healthy' });
  t.regex(healthy.checks.at(-1)!.detail, /zzzz/u);

  const down = await run(t, ['doctor', `${path}.not`, '--json']);
  t.is(down.code, 1);
  t.like(JSON.parse(down.stdout.toString()), {
    path: `${path}.not`,
    healthy: false,
    reason: 'nothing-there',
  });
});

test.serial('a server that was not asked: so it says, with exit code 0', async (t) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  await listenAt(t, path, createServer());
  const { code, stdout } = await run(t, ['doctor', path, '--timeout', '5000']);
  t.is(code, 0, stdout.toString());
  const [, conclusion] = stdout.toString().split('\n\n');
  t.regex(conclusion!, /^healthy: .*was not asked.*\nTo do: .*--deep .*\n$/u);
});

test.serial('--help says that it connects', async (t) => {
  const { code, stdout } = await run(t, ['doctor', '--help']);
  t.is(code, 0);
  t.regex(stdout.toString().replaceAll(/\s+/gu, ' '), /It connects, which starts a service/u);
});

test.serial('wrong usage', async (t) => {
  t.is((await run(t, ['doctor'])).code, 2);
  t.is((await run(t, ['doctor', 'app.sock', '--timeout', 'soon'])).code, 2);
});

peerTest(program('script', 'bsdutils'))('on a terminal: signs and colours as it has them', (t, { bin }) => {
  const path = join(temporaryDirectory(t), 'app.sock');
  const {
    NO_COLOR: _no,
    FORCE_COLOR: _force,
    NODE_DISABLE_COLORS: _node,
    // There Node.js takes no terminal for one with colours.
    CI: _ci,
    ...rest
  } = process.env;
  const onTerminal = (env: Record<string, string>) =>
    spawnSync(bin, ['-qec', `'${process.execPath}' '${MAIN}' doctor '${path}'`, '/dev/null'], {
      env: { ...rest, TERM: 'xterm-256color', ...env },
      encoding: 'utf8',
    });
  const { status, stdout } = onTerminal({ LC_ALL: 'C.UTF-8' });
  t.is(status, 1);
  t.true(stdout.includes('\u001B[32m✓\u001B[0m directories'), stdout);
  t.true(stdout.includes('\u001B[31m✗\u001B[0m socket'), stdout);
  t.true(stdout.includes('\u001B[31mnothing-there\u001B[0m: '), stdout);

  const plain = onTerminal({ LC_ALL: 'C', NO_COLOR: '1' }).stdout;
  t.false(plain.includes('\u001B['));
  t.regex(plain, /^\+ directories /mu);
  t.regex(plain, /^x socket /mu);
});
