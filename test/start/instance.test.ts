import test from 'ava';

import { request } from '../../src/index.ts';
import { startInstance } from '../../src/start/instance.ts';
import { start } from '../../src/start/start.ts';
import { leaveStaleSocket } from '../support/rendezvous.ts';
import { isRunning, serversAt } from './servers.ts';

test('waits until that very process listens there', async (t) => {
  const { path, command, pids } = serversAt(t);
  await leaveStaleSocket(path);
  const outcome = await startInstance(path, { command: command() });
  t.true(outcome.isUp);
  t.is(await (await request(path, 'who')).text(), String(pids()[0]));
});

test('also where another one listens that it takes over from', async (t) => {
  const { path, command, pids } = serversAt(t);
  const { pid } = await start(path, { command: command() });
  const outcome = await startInstance(path, { command: command('serve', 'takeover') });
  t.true(outcome.isUp);
  t.deepEqual(pids(), [pid, outcome.isUp ? outcome.child.pid : 0]);
  t.is(await (await request(path, 'who')).text(), String(pids()[1]));
});

test('one that another is in the way of: what it said', async (t) => {
  const { path, command, pids } = serversAt(t);
  await start(path, { command: command() });
  const outcome = await startInstance(path, { command: command() });
  if (outcome.isUp) {
    t.fail();
    return;
  }
  t.true(outcome.hasEnded);
  t.regex(outcome.said, /A server listens at \S+ already/);
  t.is(outcome.error.code, 'SIMPLE_IPC_START_FAILED');
  t.deepEqual(pids().map(isRunning), [true, false]);
});

test('one that ends well without ever listening has failed', async (t) => {
  const { path } = serversAt(t);
  const outcome = await startInstance(path, { command: ['true'] });
  if (outcome.isUp) {
    t.fail();
    return;
  }
  t.regex(outcome.error.message, /exited with code 0 before anybody listened there/);
});
