import { Writable } from 'node:stream';
import test from 'ava';
import type { Transition } from '../../src/index.ts';
import { ndjsonSink } from '../../src/telemetry/ndjson.ts';

/** A stream whose writes are done when the test says so. */
class Gate extends Writable {
  text = '';
  readonly #done: ((error?: Error) => void)[] = [];
  #open = false;
  #onWrite: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.text += chunk.toString();
    if (this.#open) {
      done();
      return;
    }
    this.#done.push(done);
    this.#onWrite?.();
  }

  written(): Promise<void> {
    return new Promise((resolve) => (this.#onWrite = resolve));
  }

  open(): void {
    this.#open = true;
    for (const done of this.#done.splice(0)) done();
  }

  fail(error: Error): void {
    this.#done.shift()?.(error);
  }

  get lines(): unknown[] {
    return this.text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown);
  }
}

function transition(n: number): Transition {
  return {
    machine: 'connection',
    actor: `c${n}`,
    from: 'listening',
    event: 'BYTES',
    to: 'reading-request',
    at: n,
  };
}

/** What the line of `transition(1)` takes. */
const LINE = Buffer.byteLength(`${JSON.stringify(transition(1))}\n`);

test('a line for each transition, an error as its message', async (t) => {
  const gate = new Gate();
  gate.open();
  const sink = ndjsonSink(gate);
  const last: Transition = {
    ...transition(2),
    output: { outcome: 'limit', reason: new Error('too long\n') },
  };
  sink.write(transition(1));
  sink.write(last);
  await sink.close(60_000);
  t.deepEqual(gate.lines, [transition(1), { ...last, output: { outcome: 'limit', reason: 'too long\n' } }]);
  t.is(sink.dropped, 0);
});

test('a stalled reader is owed no more than the limit, and told how much it missed, where it did', async (t) => {
  const gate = new Gate();
  const sink = ndjsonSink(gate, { limit: 5 * LINE });
  sink.write(transition(1));
  await gate.written();
  for (let n = 2; n <= 9; n++) sink.write(transition(n));
  t.is(sink.dropped, 4);
  t.is(gate.writableLength, LINE);
  gate.open();
  await new Promise((resolve) => setImmediate(resolve));
  sink.write(transition(1));
  await sink.close(60_000);
  const expected = [1, 2, 3, 4, 5].map(transition);
  t.deepEqual(gate.lines, [...expected, { event: 'dropped', count: 4 }, transition(1)]);
  t.is(sink.dropped, 4);
});

test('a reader that comes back is told also where nothing more happens', async (t) => {
  const gate = new Gate();
  const sink = ndjsonSink(gate, { limit: LINE });
  sink.write(transition(1));
  sink.write(transition(2));
  await gate.written();
  gate.open();
  await sink.close(60_000);
  t.deepEqual(gate.lines, [transition(1), { event: 'dropped', count: 1 }]);
});

test('a reader that never comes back ends with the patience of close', async (t) => {
  const gate = new Gate();
  const sink = ndjsonSink(gate);
  sink.write(transition(1));
  await gate.written();
  sink.write(transition(2));
  await sink.close(1);
  t.is(sink.dropped, 2);
  sink.write(transition(3));
  t.is(sink.dropped, 3);
});

test('a reader that leaves is told of once, and costs nothing more', async (t) => {
  const gate = new Gate();
  const errors: Error[] = [];
  const sink = ndjsonSink(gate, { onError: (error) => errors.push(error) });
  sink.write(transition(1));
  await gate.written();
  sink.write(transition(2));
  const closed = new Promise((resolve) => gate.once('close', resolve));
  gate.fail(new Error('EPIPE'));
  await closed;
  sink.write(transition(3));
  await sink.close(60_000);
  t.deepEqual(
    errors.map(({ message }) => message),
    ['EPIPE'],
  );
  t.is(sink.dropped, 3);
});

test('lines of one turn are written together', async (t) => {
  const gate = new Gate();
  const sink = ndjsonSink(gate);
  for (let n = 1; n <= 3; n++) sink.write(transition(n));
  await gate.written();
  t.is(gate.lines.length, 3);
  gate.open();
  await sink.close(60_000);
});
