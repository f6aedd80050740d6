/**
 * Clients that ask a server (of host-child.ts) without a pause until they are told to stop, and then report how many
 * requests they made, and which failed. Requests and answers are of several sizes; some are streamed slowly, and some
 * clients connect and wait before they speak.
 *
 * load-child.ts PATH CLIENTS
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from '../../src/index.ts';

export interface LoadReport {
  readonly answered: number;
  readonly failures: readonly string[];
}

const [path, clients] = process.argv.slice(2) as [string, string];
const failures: string[] = [];
let answered = 0;
const told = new AbortController();

/** Longer than a server that stops gives those who have not spoken (10 ms). */
const SILENCE = 40;
const LONG = 'y'.repeat(300_000);

async function ask(message: string | AsyncIterable<string>): Promise<string> {
  return (await request(path, message)).text();
}

async function* slowly(pieces: readonly string[]): AsyncGenerator<string> {
  for (const piece of pieces) {
    await sleep(5);
    yield piece;
  }
}

/** Written out by hand: what the library's client does for itself is not asked of this one. */
function askLate(): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(path);
    socket.setEncoding('latin1').on('data', (text) => (said += text));
    socket.on('error', reject).on('close', () => resolve(said));
    socket.once('connect', () => setTimeout(() => socket.write('0008late0000'), SILENCE));
  });
}

const KINDS: Readonly<Record<string, { make: () => Promise<string>; expected: string }>> = {
  short: { make: () => ask('short'), expected: 'short' },
  long: { make: () => ask(LONG), expected: LONG },
  'long answer': { make: () => ask('bytes 700000'), expected: 'x'.repeat(700_000) },
  'slow request': { make: () => ask(slowly(['a ', 'b ', 'c'])), expected: 'a b c' },
  'slow answer': { make: () => ask('slowly 4 15'), expected: '1\n2\n3\n4\n' },
  'late word': { make: askLate, expected: '0008late0000' },
};

async function client(first: number): Promise<void> {
  const kinds = Object.entries(KINDS);
  for (let turn = first; !told.signal.aborted; turn++) {
    const [kind, { make, expected }] = kinds[turn % kinds.length]!;
    try {
      const got = await make();
      if (got === expected) answered++;
      else failures.push(`${kind}: ${got.length} bytes: ${JSON.stringify(got.slice(0, 40))}`);
    } catch (error) {
      failures.push(`${kind}: ${String((error as { code?: unknown }).code)}: ${(error as Error).message}`);
    }
  }
}

process.on('disconnect', () => process.exit());
process.once('message', () => told.abort());
process.send!('ready');
await Promise.all(Array.from({ length: Number(clients) }, (_, index) => client(index)));
const report: LoadReport = { answered, failures };
process.send!(report, () => process.disconnect());
