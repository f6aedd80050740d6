import test from 'ava';
import type { Operation } from './operations.ts';
import { shrink } from './shrink.ts';

const operations: Operation[] = Array.from({ length: 100 }, (_, index) => ({
  do: 'mkdir',
  path: String(index),
}));

function fails(...needed: string[]) {
  return async (list: readonly Operation[]) =>
    needed.every((path) => list.some((operation) => 'path' in operation && operation.path === path));
}

test('a list is made as short as it can be', async (t) => {
  for (const needed of [['99'], ['0'], ['3', '50', '51', '98'], ['0', '99']]) {
    const list = await shrink(operations, fails(...needed));
    t.deepEqual(
      list.map((operation) => 'path' in operation && operation.path),
      needed,
    );
  }
});

test('it ends in time, with a list that fails', async (t) => {
  t.deepEqual(await shrink(operations, fails('5'), performance.now() - 1), operations);
});
