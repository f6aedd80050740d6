/** Examines a path in a process of its own, and prints the diagnosis. doctor-child.ts PATH TIMEOUT [exhausted] */
import { openSync } from 'node:fs';

import { examine } from '../../src/doctor/index.ts';
import { errnoOf } from '../../src/runtime/errors.ts';

const [path, timeout, exhausted] = process.argv.slice(2) as [string, string, string?];
if (exhausted !== undefined) {
  // So that everything that it needs is loaded.
  await examine(path, { timeout: Number(timeout) });
  try {
    for (;;) openSync('/dev/null', 'r');
  } catch (error) {
    if (errnoOf(error) !== 'EMFILE') throw error;
  }
}
console.log(JSON.stringify(await examine(path, { timeout: Number(timeout) })));
