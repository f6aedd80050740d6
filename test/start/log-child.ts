/** Keeps its own log short, by what its environment says of it, and writes each line of its stdin to it. log-child.ts INTERVAL */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { limitOwnLog } from '../../src/start/log-limit.ts';

const log = limitOwnLog(process.env, { interval: Number(process.argv[2]) });
const { SIMPLE_IPC_LOG: left, SIMPLE_IPC_LOG_LIMIT: limit } = process.env;
writeSync(
  1,
  `${JSON.stringify({ file: log?.file ?? null, again: limitOwnLog() === log, left: left ?? null, limit: limit ?? null })}\n`,
);
for await (const line of createInterface(process.stdin)) writeSync(1, `${line}\n`);
