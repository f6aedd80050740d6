/** Listens at a path with a backlog of one, and never accepts. busy-child.ts PATH */
import { createServer } from 'node:net';

createServer().listen({ path: process.argv[2]!, backlog: 1 }, () => {
  process.stdout.write('listening\n', () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
});
