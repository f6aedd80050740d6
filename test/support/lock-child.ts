/**
 * Takes the lock of a path again and again, and reports how often somebody else held it at the same time: who holds it
 * makes a file that must not be there yet, and removes it.
 *
 * lock-child.ts PATH WITNESS ROUNDS
 */
import { closeSync, openSync, unlinkSync } from 'node:fs';

import { acquireLock } from '../../src/runtime/rendezvous/lock.ts';

const [path, witness, rounds] = process.argv.slice(2) as [string, string, string];
let violations = 0;
for (let round = 0; round < Number(rounds); round++) {
  const lock = await acquireLock(path, { lockTimeout: 60_000 });
  try {
    closeSync(openSync(witness, 'wx'));
    // Now and then it is held across a turn of the loop, as a start does.
    if (round % 4 === 0) await new Promise((resolve) => void setImmediate(resolve));
    unlinkSync(witness);
  } catch {
    violations++;
  }
  lock.release();
}
console.log(violations);
