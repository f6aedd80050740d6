/** One of the processes that act at random: actor-child.ts PART, as JSON. It stays until it is told to leave, to outlive its children. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './requests.ts';
import { EntryFile, now } from './entries.ts';
import { live } from './lives.ts';
import { descriptors, zombies } from './processes.ts';
import { randomOf } from './random.ts';
import type { Loop } from './actor.ts';
import type { Part } from './setting.ts';

/** Loops of requests in each process, beside one that starts and ends servers. */
const ASKING = 3;
/** How long a child that has ended may wait to be waited for, in milliseconds. */
const REAPED = 2_000;

const part = JSON.parse(process.argv[2] as string) as Part;
const file = new EntryFile(part.logs, `actor-${part.name}`);
const { pid } = process;
const leave = new Promise<void>((resolve) => process.once('message', () => resolve()));
// The one who acts must not run on where nobody waits for it.
const abandoned = () => process.exit(1);
process.once('disconnect', abandoned);

const note = (what: string) =>
  file.add({
    kind: 'process',
    at: now(),
    what: `actor ${part.name} ${what}`,
    pid,
    descriptors: descriptors(),
  });
const pending: Promise<unknown>[] = [];
const loop = (number: number): Loop => ({
  part,
  file,
  random: randomOf(part.seed + number),
  by: `${part.name}.${number}`,
  later: (what) => void pending.push(what),
});

note('begins');
await Promise.all([live(loop(0)), ...Array.from({ length: ASKING }, (_, index) => ask(loop(index + 1)))]);
// A takeover may have to find out by itself that its path is lost, and a server drains; the one who ends them all does not wait.
process.send?.('done');
await leave;
await Promise.all(pending);
// The system tells of the end of a child a moment after others can see it.
for (const since = now(); zombies().length > 0 && now() - since < REAPED;) await sleep(10);
note('ends');
for (const zombie of zombies())
  file.add({ kind: 'wrong', at: now(), rule: 'no zombie', what: `process ${zombie} was not waited for` });
file.close();
process.off('disconnect', abandoned);
process.disconnect();
