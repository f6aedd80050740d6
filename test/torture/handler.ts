/** What the servers of a torture test answer. It writes down each request that it gets: `simple-ipc serve --module`. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Handler } from '../../src/index.ts';
import { EntryFile, now } from './entries.ts';
import { answerTo, readQuestion } from './question.ts';
import { LOGS } from './setting.ts';

const { pid } = process;
export const life = new EntryFile(process.env[LOGS] as string, `server-${pid}`);
life.add({ kind: 'server', at: now(), pid, event: 'loaded' });

export const handler: Handler = async (request) => {
  const bytes = await request.bytes();
  if (bytes.length === 0) return undefined;
  const question = readQuestion(bytes);
  life.add({ kind: 'server', at: now(), pid, event: 'accepted', id: question.id });
  const answer = answerTo(question, pid);
  if (question.pieces > 1) return inPieces(answer, question.pieces, question.pause);
  if (question.pause > 0) await sleep(question.pause);
  return answer;
};

async function* inPieces(answer: Buffer, pieces: number, pause: number): AsyncGenerator<Buffer, void> {
  const size = Math.ceil(answer.length / pieces);
  for (let start = 0; start < answer.length; start += size) {
    await sleep(pause);
    yield answer.subarray(start, start + size);
  }
}
