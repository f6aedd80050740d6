import test from 'ava';
import { Journal } from '../../../src/apps/fsmonitor/journal.ts';

function journal({ maxPaths = 100 } = {}) {
  let count = 0;
  return new Journal(() => `id${count++}`, { maxPaths });
}

/** All that is known to have changed since a token, or why nothing is. */
function since(of: Journal, token: { id: string; sequence: number }): string | string[] {
  const news = of.since(token, of.token());
  return typeof news === 'string' ? news : [...news].toSorted();
}

test('before a token was given out nothing is kept, for nobody can ask for it', (t) => {
  const changes = journal();
  changes.add('a');
  t.is(changes.size, 0);
  t.deepEqual(since(changes, changes.token()), []);
});

test('each token has what came after it', (t) => {
  const changes = journal();
  const first = changes.token();
  changes.add('a');
  changes.add('b');
  changes.add('a');
  const second = changes.token();
  changes.add('a');
  changes.add('c');
  t.deepEqual(since(changes, first), ['a', 'b', 'c']);
  t.deepEqual(since(changes, second), ['a', 'c']);
  t.deepEqual(since(changes, changes.token()), []);
  t.deepEqual(since(changes, first), ['a', 'b', 'c'], 'however often it is asked for');
});

test('where nothing has changed a token stays the same', (t) => {
  const changes = journal();
  const token = changes.token();
  t.deepEqual(changes.token(), token);
  changes.add('a');
  t.deepEqual(changes.token(), { id: 'id0', sequence: 1 });
});

test('a token of another id, one that was never given out, and one after a renewal tell nothing', (t) => {
  const changes = journal();
  const token = changes.token();
  t.is(since(changes, { id: 'other', sequence: 0 }), 'other-token-id');
  t.is(since(changes, { ...token, sequence: 1 }), 'unknown-token');
  changes.add('a');
  changes.renew();
  t.is(since(changes, token), 'other-token-id');
  t.deepEqual(changes.token(), { id: 'id1', sequence: 0 });
  t.is(changes.size, 0);
});

test('more than it may keep: the oldest is forgotten, and who needs it is told so', (t) => {
  const changes = journal({ maxPaths: 3 });
  const tokens = ['a', 'b', 'c', 'd'].map((path) => {
    const token = changes.token();
    changes.add(path);
    return token;
  });
  t.is(changes.size, 3);
  t.is(since(changes, tokens[0]!), 'old-token');
  t.deepEqual(since(changes, tokens[1]!), ['b', 'c', 'd']);
});

test('more than it may keep since the last token: nothing is known any more, and it begins anew', (t) => {
  const changes = journal({ maxPaths: 3 });
  const token = changes.token();
  for (const path of 'abcd') changes.add(path);
  t.is(changes.size, 0);
  t.is(since(changes, token), 'other-token-id');
});

test('what is five minutes older than what is asked for is forgotten', (t) => {
  const { now } = performance;
  t.teardown(() => {
    performance.now = now;
  });
  let time = 0;
  performance.now = () => time;
  const changes = journal();
  const tokens = [0, 100_000, 200_000, 400_001].map((at) => {
    time = at;
    const token = changes.token();
    changes.add(`${at}`);
    return token;
  });
  // The batch that its token was given out with was closed at 400,001.
  changes.trim(tokens[3]!);
  t.is(since(changes, tokens[0]!), 'old-token');
  t.deepEqual(since(changes, tokens[1]!), ['100000', '200000', '400001']);
});
