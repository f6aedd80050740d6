import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { SHOWS_PROCESSES } from './processes.ts';

const TORTURE = fileURLToPath(new URL('torture.ts', import.meta.url));
const SECONDS = 60;
/** For the last servers to drain, or to see that their path is another's: in seconds, on a machine that has more to do. */
const AFTERWARDS = 180;

const onLinux = SHOWS_PROCESSES ? test : test.skip;

onLinux(
  'servers that are started, stopped, killed, taken over and asked at random lose nothing',
  async (t) => {
    t.timeout((SECONDS + AFTERWARDS) * 1_000);
    const seed = Math.floor(Math.random() * 2 ** 31);
    // As many as leave something of the machine to the other tests.
    const processes = Math.max(2, Math.min(4, availableParallelism()));
    const flags = { seconds: SECONDS, seed, processes };
    const words = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
    t.log(`node test/torture/torture.ts ${words.join(' ')}`);
    const child = spawn(process.execPath, [TORTURE, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    // It puts an end to all that it has started.
    t.teardown(() => child.kill('SIGTERM'));
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [code] = (await once(child, 'close')) as [number | null];
    t.log(said);
    t.is(code, 0);
  },
);
