import test from 'ava';
import { ask } from '../../../bench/fsmonitor/ask.ts';
import { serving } from '../../support/serving.ts';

test('each query has the token of the answer before it', async (t) => {
  const asked: string[] = [];
  const { path } = await serving(t, async (request) => {
    asked.push(await request.text());
    return `builtin:test:${asked.length}\0${asked.length === 1 ? '/\0' : ''}`;
  });
  const took = await ask(path, 20);
  t.is(took.length, 20);
  t.true(took.every((each) => each > 0));
  t.deepEqual(asked.slice(0, 3), ['builtin:0:0', 'builtin:test:1', 'builtin:test:2']);
  // The first two, and those before it is measured.
  t.is(asked.length, 2 + 1_000 + 20);
});

for (const [what, answer, message] of [
  ['has changes to tell', 'builtin:test:1\0file\0', /Nothing had changed, and .*\\u0000file\\u0000/],
  ['may have changes', 'builtin:test:1\0/\0', /Nothing had changed, and /],
  ['has no token', '', /answer of 0 bytes has no token/],
] as const)
  test(`a daemon whose answer ${what} is not measured`, async (t) => {
    const { path } = await serving(t, async () => answer);
    await t.throwsAsync(ask(path, 1), { message });
  });
