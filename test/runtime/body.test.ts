import test from 'ava';
import { IncomingBody } from '../../src/runtime/body.ts';

function body() {
  let consumed = 0;
  const made = new IncomingBody({ bodyConsumed: (bytes) => (consumed += bytes) });
  const feed = (text: string) => {
    const chunk = Buffer.from(`<${text}>`);
    made.data(chunk, 1, chunk.length - 1);
    made.deliver();
  };
  return { body: made, feed, consumed: () => consumed };
}

test('what came before the end is read, whole or in pieces, and counted as it leaves', async (t) => {
  const whole = body();
  whole.feed('a');
  whole.feed('bc');
  t.is(whole.body.held, 3);
  whole.body.complete();
  t.is(await whole.body.text(), 'abc');
  t.is(whole.body.held, 0);
  t.is(whole.consumed(), 3);

  const pieces = body();
  pieces.feed('a');
  const seen: string[] = [];
  const reading = (async () => {
    for await (const chunk of pieces.body) seen.push(String(chunk));
  })();
  await Promise.resolve();
  pieces.feed('b');
  pieces.body.complete();
  await reading;
  t.is(seen.join(''), 'ab');
});

test('a failure is met after what came before it, and never taken for an end', async (t) => {
  const { body: failing, feed } = body();
  feed('a');
  failing.fail(new Error('cut off'));
  const chunks = failing[Symbol.asyncIterator]();
  t.is(String((await chunks.next()).value), 'a');
  await t.throwsAsync(chunks.next(), { message: 'cut off' });

  const collected = body();
  collected.feed('a');
  const text = collected.body.text();
  collected.body.fail(new Error('cut off'));
  await t.throwsAsync(text, { message: 'cut off' });
});

test('what was complete stays readable', async (t) => {
  const { body: complete, feed } = body();
  feed('x');
  complete.complete();
  complete.fail(new Error('too late'));
  t.is(await complete.text(), 'x');
});

test('what is discarded is released, what still comes too, and a late reader is told', async (t) => {
  const { body: discarded, feed, consumed } = body();
  feed('abc');
  discarded.discard(() => new Error('over'));
  t.is(consumed(), 3);
  feed('de');
  t.is(consumed(), 5);
  discarded.complete();
  t.is(discarded.held, 0);
  const late = discarded.text();
  // The end came after it was discarded: what is left is not the message.
  await t.throwsAsync(late, { message: 'over' });
});

test('chunks that are asked for at once come one by one', async (t) => {
  const { body: asked, feed } = body();
  const chunks = asked[Symbol.asyncIterator]();
  const steps = Promise.all([chunks.next(), chunks.next(), chunks.next()]);
  await Promise.resolve();
  feed('a');
  await new Promise((resolve) => setImmediate(resolve));
  feed('b');
  asked.complete();
  t.deepEqual(
    (await steps).map(({ value }) => (value === undefined ? 'done' : String(value))),
    ['a', 'b', 'done'],
  );
});
