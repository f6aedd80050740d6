/** On standby, or started: standby-child.ts FILE. It writes its pid there; once it runs, it says what it is, and stays. */
import { readlinkSync, writeFileSync } from 'node:fs';
import { awaitCall, isOnStandby } from '../../src/start/called.ts';

writeFileSync(process.argv[2] as string, String(process.pid));
const stoodBy = isOnStandby();
const words = stoodBy ? awaitCall() : process.argv.slice(2);
if (words !== undefined) {
  const files =
    process.platform === 'linux' ? [0, 1, 2].map((fd) => readlinkSync(`/proc/self/fd/${fd}`)) : [];
  process.stderr.write('It runs.\n');
  console.log(JSON.stringify({ stoodBy, words, cwd: process.cwd(), files, env: process.env }));
  setInterval(() => undefined, 60_000);
}
