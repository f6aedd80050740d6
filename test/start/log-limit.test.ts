import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';

import { eventually, within } from '../support/serving.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const CHILD = fileURLToPath(new URL('log-child.ts', import.meta.url));

/** A process whose stdout is `log`, and which is told that it is `told`. */
async function logging(
  t: ExecutionContext,
  { limit, told, interval = 5 }: { limit: string; told?: (log: string) => string; interval?: number },
) {
  const log = join(temporaryDirectory(t), 'log');
  const descriptor = openSync(log, 'a', 0o600);
  const child: ChildProcess = spawn(process.execPath, [CHILD, String(interval)], {
    stdio: ['pipe', descriptor, 'inherit'],
    env: { ...process.env, SIMPLE_IPC_LOG: told?.(log) ?? log, SIMPLE_IPC_LOG_LIMIT: limit },
  });
  closeSync(descriptor);
  t.teardown(() => child.kill('SIGKILL'));
  const read = (file = log) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await eventually(() => read().includes('\n') || read(`${log}.1`).includes('\n'), 'it has begun');
  return {
    log,
    read,
    said: JSON.parse(read().split('\n')[0] || read(`${log}.1`).split('\n')[0]!) as object,
    write: (line: string) => void child.stdin!.write(`${line}\n`),
    async end() {
      child.stdin!.end();
      const [code] = (await within(once(child, 'close'), 'its timer keeps it alive')) as [number];
      t.is(code, 0);
    },
  };
}

test('a log that has grown beyond its limit is set aside while its process goes on', async (t) => {
  const { log, read, said, write, end } = await logging(t, { limit: '200' });
  t.deepEqual(said, { file: log, again: true, left: null, limit: null });
  for (let round = 0; round < 3; round++) {
    write(`${'x'.repeat(200)}${round}`);
    // Its end, as long as the limit.
    const rest = `${'x'.repeat(198)}${round}\n`;
    await eventually(() => read(`${log}.1`) === rest && statSync(log).size === 0, 'it begins anew');
  }
  write('after');
  await eventually(() => read() === 'after\n', 'it goes on at the new end');
  t.is(statSync(`${log}.1`).mode & 0o777, 0o600);
  await end();
});

test('one that is not longer stays', async (t) => {
  const { log, read, write, end } = await logging(t, { limit: '10000' });
  write('x'.repeat(1000));
  await end();
  t.is(read().length, statSync(log).size);
  t.false(existsSync(`${log}.1`));
});

test('a file that is not where its output goes is not touched', async (t) => {
  const other = join(temporaryDirectory(t), 'other');
  closeSync(openSync(other, 'a'));
  const { log, read, said, write, end } = await logging(t, { limit: '10', told: () => other });
  t.deepEqual(said, { file: null, again: true, left: null, limit: null });
  write('x'.repeat(100));
  await end();
  t.true(read().length > 100);
  t.false(existsSync(`${log}.1`));
  t.is(statSync(other).size, 0);
});

test('nor is one that was moved', async (t) => {
  const { log, read, write, end } = await logging(t, { limit: '1000' });
  renameSync(log, `${log}.moved`);
  write('x'.repeat(2000));
  await end();
  t.true(read(`${log}.moved`).length > 2000);
  t.false(existsSync(`${log}.1`));
});

test('without a limit it grows', async (t) => {
  const { log, said, end } = await logging(t, { limit: 'Infinity' });
  t.like(said, { file: log });
  await end();
  t.false(existsSync(`${log}.1`));
});

test('one that cannot be set aside grows to four times its limit, is then cut, and says so', async (t) => {
  const { log, read, write, end } = await logging(t, { limit: '300' });
  mkdirSync(`${log}.1`);
  write('x'.repeat(400));
  // Looked at a few times.
  await eventually(() => read().length > 400, 'it is written');
  for (let look = 0; look < 5; look++) write('y'.repeat(20));
  await eventually(() => read().endsWith(`${'y'.repeat(20)}\n`.repeat(5)), 'it is not cut');
  t.true(read().includes('x'.repeat(400)));
  write('z'.repeat(1200));
  await eventually(
    () =>
      /^simple-ipc: this log was longer than 300 bytes, and could not be set aside as \S+: (?:EISDIR|ENOTEMPTY|EEXIST)/.test(
        read(),
      ),
    'it is cut',
  );
  t.deepEqual(readdirSync(dirname(log)).toSorted(), ['log', 'log.1']);
  await end();
});

const there: Record<string, (file: string) => void> = {
  'a FIFO that nobody reads': (file) => void execFileSync('mkfifo', [file]),
  'a link to a file of others': (file) => {
    writeFileSync(`${file}.other`, 'of others');
    symlinkSync(`${file}.other`, file);
  },
  'a second name of a file of others': (file) => {
    writeFileSync(`${file}.other`, 'of others');
    linkSync(`${file}.other`, file);
  },
};
for (const [what, make] of Object.entries(there)) {
  test(`what was set aside before is replaced and not written to: ${what}`, async (t) => {
    const { log, read, write, end } = await logging(t, { limit: '200' });
    make(`${log}.1`);
    // One that was killed meanwhile has left this.
    make(`${log}.1~`);
    write('x'.repeat(300));
    await eventually(
      () => lstatSync(`${log}.1`).isFile() && read(`${log}.1`) === `${'x'.repeat(199)}\n`,
      'its end is kept',
    );
    if (existsSync(`${log}.1.other`)) t.is(read(`${log}.1.other`), 'of others');
    t.false(existsSync(`${log}.1~`));
    await end();
  });
}
