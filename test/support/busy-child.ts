/** Listens at a path with a backlog of one, and never accepts, as long as its parent lives. busy-child.ts PATH */
import { createServer } from 'node:net';

const parent = process.ppid;
createServer().listen({ path: process.argv[2]!, backlog: 1 }, () => {
  process.stdout.write('listening\n', () => {
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    while (process.ppid === parent) Atomics.wait(nothing, 0, 0, 200);
    process.exit();
  });
});
