import { setTimeout as sleep } from 'node:timers/promises';
import { QUIT, type Handler } from '../../index.ts';
import { readCommand } from './command.ts';

const ROWS = 10_000;
const SLOW_ROWS = 1_000;
const SLOW_DELAY = 10;

/** The commands of git's test server (t/helper/test-simple-ipc.c), answered byte for byte as it answers them. */
export const demo: Handler = async (request) => {
  const { name, ballast } = await readCommand(request);
  if (ballast !== undefined) return ballast.report();
  switch (name.toString('latin1')) {
    case 'quit':
      return QUIT;
    case 'ping':
      return 'pong';
    case 'big':
      return [...rows(ROWS)].join('');
    case 'chunk':
      return rows(ROWS);
    case 'slow':
      return slowRows();
    default:
      return Buffer.concat([Buffer.from('unhandled command: '), name.subarray(0, endOfString(name))]);
  }
};

const METHODS: ReadonlySet<string> = new Set(['quit', 'ping', 'big', 'chunk', 'slow', 'sendbytes']);

/** The command that a request begins with, for telemetry; nothing where it is none of these. */
export function demoMethod(head: Uint8Array): string | undefined {
  const word = /^[a-z]*/u.exec(Buffer.from(head.subarray(0, 16)).toString('latin1'))?.[0] ?? '';
  return METHODS.has(word) ? word : undefined;
}

function* rows(count: number): Generator<string, void> {
  for (let row = 0; row < count; row++) yield `big: ${String(row).padStart(75, '0')}\n`;
}

async function* slowRows(): AsyncGenerator<string, void> {
  for (const row of rows(SLOW_ROWS)) {
    yield row;
    await sleep(SLOW_DELAY);
  }
}

/** git formats the command as a C string, which ends at its first NUL. */
function endOfString(bytes: Buffer): number {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes.length : end;
}
