import test from 'ava';
import { output, timed } from '../../../bench/fsmonitor/commands.ts';
import { marked, MARK, untilGone } from '../../../bench/fsmonitor/daemons.ts';
import { within } from '../../support/serving.ts';

const WHERE = { cwd: '/', env: process.env };
const node = (script: string) => [process.execPath, ['-e', script]] as const;

test('what it says on stdout, and how long it takes in microseconds', async (t) => {
  t.is(await output(...node('process.stdout.write("said")'), WHERE), 'said');
  t.true((await timed(...node('setTimeout(() => {}, 200)'), WHERE)) >= 199_000);
});

test('one that fails is an error with what it said', async (t) => {
  const failing = node('console.error("no room"); process.exit(3)');
  for (const run of [output, timed])
    await t.throwsAsync(run(...failing, WHERE), { message: /ended with 3\. It said: no room$/ });
  await t.throwsAsync(timed('/nowhere/git', [], WHERE), { code: 'ENOENT' });
});

test('an interruption ends it', async (t) => {
  const interrupted = new AbortController();
  const running = output(...node('setInterval(() => {}, 1_000)'), { ...WHERE, signal: interrupted.signal });
  interrupted.abort();
  await t.throwsAsync(within(running, 'it did not end'), { name: 'AbortError' });
});

/** A program that leaves another behind, which has its stderr and never ends. */
const LEAVING = `const { spawn } = require('child_process');
  spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: ['ignore', 'ignore', 'inherit'] }).unref()`;

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('what it leaves behind is not waited for, is found by its mark, and is ended', async (t) => {
  const mark = `test-${process.pid}`;
  const where = { ...WHERE, env: { ...process.env, [MARK]: mark } };
  t.teardown(() => untilGone(mark, 0));
  await within(timed(...node(LEAVING), where), 'the command did not end');
  const [pid, ...others] = marked(mark);
  t.deepEqual(others, []);
  t.is(typeof pid, 'number');
  t.deepEqual(marked(mark.slice(0, -1)), []);

  await within(untilGone(mark, 0), 'it has not ended');
  t.deepEqual(marked(mark), []);
});
