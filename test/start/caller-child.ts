/**
 * A client that starts a server where there is none: caller-child.ts PATH COUNT [COMMAND...]. It waits for the end of its stdin, asks
 * COUNT times at once, and prints the answers as JSON.
 */
import { buffer } from 'node:stream/consumers';
import { request } from '../../src/index.ts';

const [path, count, ...command] = process.argv.slice(2) as [string, string, ...string[]];
process.stderr.write('ready\n');
await buffer(process.stdin);
const answers = await Promise.allSettled(
  Array.from({ length: Number(count) }, async () =>
    (await request(path, 'who', { start: { command, timeout: 30_000 } })).text(),
  ),
);
process.stdout.write(
  JSON.stringify(
    answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : String(answer.reason))),
  ),
);
