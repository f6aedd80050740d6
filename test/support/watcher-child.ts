/**
 * Looks at a path and connects to it in a tight loop until it is told to stop, and then reports how often, and what it
 * met where a server should have been. watcher-child.ts PATH
 */
import { lstatSync } from 'node:fs';
import { errnoOf } from '../../src/runtime/errors.ts';
import { knock } from '../../src/runtime/rendezvous/knock.ts';

export interface WatchReport {
  readonly looks: number;
  readonly knocks: number;
  /** The error codes, such as ENOENT or ECONNREFUSED. */
  readonly met: readonly string[];
}

const path = process.argv[2]!;
/** How often to look between two knocks: looking is quick, and a gap may be short. */
const LOOKS = 200;
const met: string[] = [];
let looks = 0;
let knocks = 0;
const told = new AbortController();

process.on('disconnect', () => process.exit());
process.once('message', () => told.abort());
process.send!('ready');
while (!told.signal.aborted) {
  for (let look = 0; look < LOOKS; look++) {
    looks++;
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) met.push('ENOENT (lstat)');
  }
  knocks++;
  const error = await knock(path, { timeout: 5000 });
  if (error !== undefined) met.push(errnoOf(error) ?? String(error));
}
const report: WatchReport = { looks, knocks, met };
process.send!(report, () => process.disconnect());
