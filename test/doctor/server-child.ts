/**
 * A server in a process of its own. It says `listening`, and lives as long as its parent.
 *
 * server-child.ts KIND PATH: `serve` is one of this library, `adopt` one on descriptor 3, `takeover` one that
 * takes the path over, `plain` a socket that keeps what connects; behind a dash, `hanging` never gets round to anything
 * once it listens.
 */
import { createServer } from 'node:net';

import { serve, type ServeOptions } from '../../src/index.ts';

const [kind, path] = process.argv.slice(2) as [string, string];
const SPECIAL: Readonly<Record<string, ServeOptions>> = { adopt: { fd: 3 }, takeover: { takeover: true } };
const parent = process.ppid;
const hangs = kind.endsWith('-hanging');

if (kind.startsWith('serve') || kind in SPECIAL) {
  const options = { control: true, program: 'child', version: '1.2.3', ...SPECIAL[kind] };
  await serve(path, () => 'pong', options);
} else {
  const server = createServer((socket) => void socket.on('error', () => {}));
  await new Promise<void>((resolve) => void server.listen(path, resolve));
}

function orphaned(): boolean {
  return process.ppid !== parent;
}
setInterval(() => {
  if (orphaned()) process.exit();
}, 200);
process.stdout.write('listening\n', () => {
  if (!hangs) return;
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  while (!orphaned()) Atomics.wait(nothing, 0, 0, 200);
  process.exit();
});
