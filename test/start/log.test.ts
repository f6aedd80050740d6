import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'ava';

import { start } from '../../src/start/start.ts';
import { serversAt } from './servers.ts';

test('a log is added to; one longer than its limit is set aside first, in place of an older one', async (t) => {
  const { path, command } = serversAt(t);
  const log = `${path}.log`;
  const fail = (said: string) =>
    t.throwsAsync(start(path, { command: command('exit', said), logLimit: 10 }), {
      code: 'SIMPLE_IPC_START_FAILED',
    });
  await fail('0123456789');
  await fail('+');
  t.is(readFileSync(log, 'utf8'), '0123456789+');
  t.false(readdirSync(dirname(path)).includes('test.sock.log.1'));
  writeFileSync(`${log}.1`, 'older');
  await fail('new');
  t.is(readFileSync(log, 'utf8'), 'new');
  t.is(readFileSync(`${log}.1`, 'utf8'), '0123456789+');
  t.is(statSync(log).mode & 0o777, 0o600);
});

test('what a running server said before the log was set aside stays in that', async (t) => {
  const { path, command } = serversAt(t);
  const own = `${path}.own.log`;
  writeFileSync(own, 'x'.repeat(20));
  await start(path, { command: command(), log: own, logLimit: 10 });
  t.is(readFileSync(`${own}.1`, 'utf8'), 'x'.repeat(20));
});
