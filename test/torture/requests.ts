/** Asks servers, and proves each answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { request, type RequestOptions } from '../../src/index.ts';
import { choosePlace, failureOf, isOver, type Loop } from './actor.ts';
import { codeOf, runCommand } from './commands.ts';
import { now } from './entries.ts';
import { serverCommand } from './lives.ts';
import { messageOf, readAnswer, type Question } from './question.ts';
import type { Place } from './setting.ts';

const KINDS = { short: 60, slow: 15, streamed: 15, long: 10 } as const;
/** How many of the requests are made by the command: each takes a process. */
const BY_COMMAND = 0.03;
/** Between two requests of a loop, in milliseconds. */
const PAUSE = 60;
/** Without progress, and in all, in milliseconds: more than anything here takes. */
const TIMEOUT = 20_000;
const DEADLINE = 45_000;

/** One after the other, until it is over. */
export async function ask(loop: Loop): Promise<void> {
  for (let number = 1; !isOver(loop); number++) {
    const place = choosePlace(loop, 'requests');
    const id = `${loop.by}.${number}`;
    const what = loop.random.weighted(KINDS);
    await askOne(loop, place, what, questionOf(loop, id, what));
    await sleep(loop.random.between(0, PAUSE));
  }
}

function questionOf({ random }: Loop, id: string, what: keyof typeof KINDS): Question {
  const upTo = (load: number, answer: number) => ({
    id,
    load: random.between(0, load),
    answer: random.between(0, answer),
  });
  switch (what) {
    case 'short':
      return { ...upTo(200, 200), pieces: 1, pause: 0 };
    case 'slow':
      return { ...upTo(200, 2_000), pieces: 1, pause: random.between(20, 600) };
    case 'streamed':
      return { ...upTo(20_000, 50_000), pieces: random.between(2, 8), pause: random.between(0, 50) };
    case 'long':
      return { ...upTo(500_000, 500_000), pieces: random.between(1, 2), pause: 0 };
  }
}

async function askOne(loop: Loop, place: Place, what: string, question: Question): Promise<void> {
  const { file, random, by } = loop;
  const { path } = place;
  const mayStart = random.chance(place.onDemand);
  const isCommand = random.chance(BY_COMMAND);
  const at = now();
  const about = { kind: 'request', at, by, path, id: question.id, what, isCommand, mayStart } as const;
  try {
    const answer = isCommand
      ? await bySend(loop, place, mayStart, question)
      : await byCall(loop, place, mayStart, what, question);
    if (!(answer instanceof Uint8Array)) {
      file.add({ ...about, end: now(), ...answer });
      return;
    }
    const end = now();
    try {
      readAnswer(question, answer);
      file.add({ ...about, end, outcome: 'ok' });
    } catch (error) {
      file.add({ ...about, end, outcome: 'wrong-answer', detail: String(error) });
    }
  } catch (error) {
    file.add({ ...about, end: now(), ...failureOf(error) });
  }
}

async function byCall(
  loop: Loop,
  place: Place,
  mayStart: boolean,
  what: string,
  question: Question,
): Promise<Uint8Array> {
  const options: RequestOptions = {
    timeout: TIMEOUT,
    deadline: DEADLINE,
    ...(loop.random.chance(0.1) ? { idempotent: true } : {}),
    ...(mayStart ? { start: [process.execPath, ...serverCommand(loop, place, false)] } : {}),
  };
  const message = messageOf(question);
  const answer = await request(
    place.path,
    what === 'streamed' ? inPieces(message, question) : message,
    options,
  );
  return answer.bytes();
}

async function* inPieces(message: Buffer, { pieces, pause }: Question): AsyncGenerator<Buffer, void> {
  const size = Math.ceil(message.length / pieces);
  for (let start = 0; start < message.length; start += size) {
    yield message.subarray(start, start + size);
    await sleep(pause);
  }
}

async function bySend(
  loop: Loop,
  place: Place,
  mayStart: boolean,
  question: Question,
): Promise<Uint8Array | { outcome: string; detail: string }> {
  const message = messageOf(question);
  const isWord = message.length < 1_000 && loop.random.chance(0.5);
  const behind = mayStart ? ['--start', '--', process.execPath, ...serverCommand(loop, place, false)] : [];
  const args = [
    'send',
    place.path,
    isWord ? message.toString() : '-',
    '--timeout',
    String(TIMEOUT),
    ...behind,
  ];
  const outcome = await runCommand(args, isWord ? undefined : message);
  if (outcome.code === 0) return outcome.stdout;
  return { outcome: codeOf(outcome.said, outcome), detail: outcome.said };
}
