import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { cpuBetween, cpuOf, residentOf, watchPeak } from '../../../bench/run/usage.ts';
import { eventually } from '../../support/serving.ts';

const onLinux = process.platform === 'linux' ? test : test.skip;
const MEBIBYTE = 2 ** 20;

onLinux('tells the processor time of all threads and of the main one', async (t) => {
  const { pid, does } = busyChild(t);
  await does('nothing');
  const idle = cpuOf(pid);
  await does('work here');
  const here = cpuOf(pid);
  await does('work in a thread');
  const there = cpuOf(pid);

  const first = cpuBetween(idle, here)!;
  t.true(first.mainThread >= 40_000);
  t.true(first.all >= first.mainThread);
  const second = cpuBetween(here, there)!;
  t.true(second.all - second.mainThread >= 40_000);
});

onLinux('counts what a thread used that has ended', async (t) => {
  const { pid, does } = busyChild(t);
  await does('work in a thread');
  const before = cpuOf(pid)!;
  t.true(before.threads.size > 1);
  await does('end the thread');
  await does('work here');
  const after = cpuOf(pid)!;
  t.true([...before.threads.keys()].some((id) => !after.threads.has(id)));
  const used = cpuBetween(before, after)!;
  // In steps of 10 ms.
  t.true(used.all >= 30_000 && used.mainThread >= 40_000);
});

onLinux('tells resident memory, and its peak since the watch began', async (t) => {
  const { pid, does } = busyChild(t);
  await does('nothing');
  const before = residentOf(pid)!;
  const first = watchPeak(pid);
  await does('take memory');
  const peak = first()!;
  t.true(peak >= before + 48 * MEBIBYTE);

  await does('give it back');
  await eventually(() => residentOf(pid)! < peak - 32 * MEBIBYTE, 'the memory was given back');
  const second = watchPeak(pid);
  t.true(second()! < peak - 32 * MEBIBYTE);
});

test('of a process that is not there nothing is known', (t) => {
  const gone = 2 ** 30;
  t.is(cpuOf(gone), undefined);
  t.is(cpuBetween(cpuOf(gone), cpuOf(process.pid)), undefined);
  t.is(residentOf(gone), undefined);
  t.is(watchPeak(gone)(), undefined);
});

const CHILD = `
  const { Worker } = require('node:worker_threads');
  const work = 'const from = process.threadCpuUsage(); let used = 0;' +
    'while (used < 50_000) { const { user, system } = process.threadCpuUsage(from); used = user + system; }';
  let worker, memory;
  const acts = {
    'nothing': async () => {},
    'work here': async () => new Function(work)(),
    'work in a thread': () => new Promise((resolve) => {
      worker = new Worker(work + "require('node:worker_threads').parentPort.postMessage('done'); setInterval(() => {}, 1_000)", { eval: true });
      worker.once('message', resolve);
    }),
    'end the thread': () => worker.terminate(),
    'take memory': async () => { memory = Buffer.alloc(64 * 2 ** 20, 1); },
    'give it back': async () => { memory = undefined; gc(); },
  };
  process.on('message', async (act) => { await acts[act](); process.send('done'); });
`;

function busyChild(t: ExecutionContext): { pid: number; does(act: string): Promise<void> } {
  const child: ChildProcess = spawn(process.execPath, ['--expose-gc', '--eval', CHILD], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  return {
    pid: child.pid!,
    async does(act) {
      child.send(act);
      await once(child, 'message');
    },
  };
}
