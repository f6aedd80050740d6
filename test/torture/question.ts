/** Requests and answers that show whose they are in every part of them. */

export interface Question {
  readonly id: string;
  /** Bytes that follow the question. */
  readonly load: number;
  /** Bytes of the answer's own load. */
  readonly answer: number;
  /** In how many pieces the answer comes. */
  readonly pieces: number;
  /** Before each piece, in milliseconds. */
  readonly pause: number;
}

/** A question's request. */
export function messageOf(question: Question): Buffer {
  return Buffer.concat([head(question), load(question.id, question.load)]);
}

/** @throws where a request is not, to the last byte, what was asked. */
export function readQuestion(request: Uint8Array): Question {
  const [question, rest] = split<Question>(request);
  if (!rest.equals(load(question.id, question.load))) throw new Error(`${question.id} came garbled`);
  return question;
}

/** The answer of the server that is process `pid`. */
export function answerTo({ id, answer }: Question, pid: number): Buffer {
  return Buffer.concat([head({ id, pid }), load(`${id}!`, answer)]);
}

/**
 * The process that has answered.
 *
 * @throws where it is not, to the last byte, the answer to that question.
 */
export function readAnswer({ id, answer }: Question, given: Uint8Array): number {
  const [to, rest] = split<{ id: string; pid: number }>(given);
  if (to.id !== id) throw new Error(`the answer to ${id} was that to ${to.id}`);
  if (!rest.equals(load(`${id}!`, answer)))
    throw new Error(`the answer to ${id} has ${rest.length} bytes, not its ${answer}, or others`);
  return to.pid;
}

function head(object: object): Buffer {
  return Buffer.from(`${JSON.stringify(object)}\n`);
}

function load(mark: string, bytes: number): Buffer {
  return Buffer.alloc(bytes, `${mark}|`);
}

function split<T>(bytes: Uint8Array): [T, Buffer] {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = whole.indexOf('\n');
  if (end === -1) throw new Error(`${whole.length} bytes have no head`);
  return [JSON.parse(whole.toString('utf8', 0, end)) as T, whole.subarray(end + 1)];
}
