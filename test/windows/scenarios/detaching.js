/** Starts `simple-ipc serve` detached, and ends as soon as it listens: `detaching.js PATH LOG`. Prints its pid. */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { probe } from 'simple-ipc';
import { COMMAND, eventually } from './support.js';

const [, , path, log] = process.argv;
const output = openSync(log, 'a');
const child = spawn(process.execPath, [COMMAND, 'serve', path], {
  detached: true,
  stdio: ['ignore', output, output],
});
child.unref();
await eventually(async () => (await probe(path)).state === 'listening', 'the server listens');
console.log(child.pid);
