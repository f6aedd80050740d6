import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { StartOptions } from '../../src/index.ts';
import { isAlive } from '../../src/runtime/rendezvous/process-state.ts';
import { openLog } from '../../src/start/log.ts';
import { planStart } from '../../src/start/options.ts';
import { Standby } from '../../src/start/standby.ts';
import { eventually } from '../support/serving.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { isRunning } from './servers.ts';

const CHILD = fileURLToPath(new URL('standby-child.ts', import.meta.url));
const CALLER = fileURLToPath(new URL('standby-caller.ts', import.meta.url));

// Windows has nobody on standby.
const testOnUnix = process.platform === 'win32' ? test.skip : test;

interface Facts {
  readonly stoodBy: boolean;
  readonly words: readonly string[];
  readonly cwd: string;
  readonly files: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** A directory, the command of a process there, and its pid once it has written that. */
function place(t: ExecutionContext) {
  const directory = realpathSync(temporaryDirectory(t));
  const file = join(directory, 'pid');
  const pid = () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);
  t.teardown(() => {
    if (pid() > 0 && isRunning(pid())) process.kill(pid(), 'SIGKILL');
  });
  return { directory, file, pid, isThere: () => eventually(() => pid() > 0, 'it has written its pid') };
}

/** Has a standby do what these options say, and gives what it then says of itself. */
async function called(t: ExecutionContext, standby: Standby, options: StartOptions): Promise<Facts> {
  const plan = planStart(join(temporaryDirectory(t), 'app.sock'), options);
  const log = openLog(plan);
  t.teardown(() => log.close());
  const child = await standby.call(plan, log);
  const said = () => readFileSync(plan.log, 'utf8');
  await eventually(() => /^\{.*\}$/mu.test(said()), 'it says what it is');
  t.true(isRunning(child.pid));
  await child.end();
  t.false(child.runs());
  t.regex(said(), /^It runs\.\n/u);
  return JSON.parse(said().split('\n')[1] as string) as Facts;
}

testOnUnix('who is called is what a process would be that is started then', async (t) => {
  const { directory, file, isThere } = place(t);
  process.env['STANDBY_TEST_GONE'] = 'gone';
  const standby = new Standby([process.execPath, CHILD, file]);
  delete process.env['STANDBY_TEST_GONE'];
  await isThere();
  const log = join(directory, 'its.log');
  const facts = await called(t, standby, {
    command: [process.execPath, CHILD, file, 'a word'],
    cwd: directory,
    env: { STANDBY_TEST_SET: 'set', STANDBY_TEST_GONE: undefined },
    log,
    logLimit: 12_345,
  });
  t.true(facts.stoodBy);
  t.deepEqual(facts.words, [file, 'a word']);
  t.is(facts.cwd, directory);
  t.is(facts.env['STANDBY_TEST_SET'], 'set');
  t.false('STANDBY_TEST_GONE' in facts.env);
  t.false('SIMPLE_IPC_STANDBY' in facts.env);
  t.is(facts.env['SIMPLE_IPC_LOG'], log);
  t.is(facts.env['SIMPLE_IPC_LOG_LIMIT'], '12345');
  if (process.platform === 'linux') t.deepEqual(facts.files, ['/dev/null', log, log]);
});

testOnUnix('in the place of one that has ended, or could not be started, another is started', async (t) => {
  const { directory, file, pid, isThere } = place(t);
  const ended = new Standby(['sh', '-c', `echo $$ > '${file}'`]);
  await isThere();
  // A zombie it would be until this process has been told of its end.
  await eventually(() => !isAlive(pid()), 'it has ended');
  for (const standby of [ended, new Standby([join(directory, 'nobody')])]) {
    const facts = await called(t, standby, { command: [process.execPath, CHILD, file], cwd: directory });
    t.false(facts.stoodBy);
    t.deepEqual(facts.words, [file]);
    t.is(facts.cwd, directory);
  }
});

testOnUnix('a directory that is not there is said, and nobody runs', async (t) => {
  const { directory, file, pid, isThere } = place(t);
  const standby = new Standby([process.execPath, CHILD, file]);
  await isThere();
  const cwd = join(directory, 'nowhere');
  const plan = planStart(join(directory, 'app.sock'), { command: [process.execPath, CHILD, file], cwd });
  const log = openLog(plan);
  const { message } = await t.throwsAsync<Error>(standby.call(plan, log), {
    code: 'SIMPLE_IPC_START_FAILED',
  });
  t.true(message.includes(cwd), message);
  log.close();
  process.kill(pid(), 'SIGKILL');
  await eventually(() => !isRunning(pid()), 'it is gone');
  t.is(readFileSync(plan.log, 'utf8'), '');
});

testOnUnix('a log that is another file by then gets nothing', async (t) => {
  const { directory, file, isThere } = place(t);
  const standby = new Standby([process.execPath, CHILD, file]);
  await isThere();
  const plan = planStart(join(directory, 'app.sock'), {
    command: [process.execPath, CHILD, file],
    cwd: directory,
  });
  const log = openLog(plan);
  renameSync(plan.log, `${plan.log}.kept`);
  writeFileSync(plan.log, '');
  const child = await standby.call(plan, log);
  await eventually(() => child.exit !== undefined, 'it ends');
  t.deepEqual(child.exit, { code: 1, signal: null });
  t.is(readFileSync(plan.log, 'utf8'), '');
  t.is(log.tail(), '');
  log.close();
  await child.end();
});

for (const way of ['ends', 'is killed']) {
  testOnUnix(`who is not called ends with who started it, when that ${way}`, async (t) => {
    const { file, pid, isThere } = place(t);
    const caller = spawn(process.execPath, [CALLER, file], { stdio: ['pipe', 'ignore', 'inherit'] });
    const over = once(caller, 'exit');
    await isThere();
    t.true(isRunning(pid()));
    if (way === 'ends') caller.stdin.write('end');
    else caller.kill('SIGKILL');
    await over;
    await eventually(() => !isRunning(pid()), 'it has ended as well');
  });
}
