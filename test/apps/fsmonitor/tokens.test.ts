import test from 'ava';
import { formatToken, parseToken, tokenIds } from '../../../src/apps/fsmonitor/tokens.ts';

test('a token is what it was made of', (t) => {
  const token = { id: '0.27187.20261122T080303.441507Z', sequence: 12 };
  t.is(formatToken(token), 'builtin:0.27187.20261122T080303.441507Z:12');
  t.deepEqual(parseToken(formatToken(token)), token);
});

for (const [request, is] of Object.entries({
  'builtin:fake': 'first-use',
  '1794000000000000000': 'first-use',
  '': 'other-provider',
  'builtin:': 'other-provider',
  'builtin:x': 'other-provider',
  'builtin:x:': 'other-provider',
  'builtin:x:-1': 'other-provider',
  'builtin:x:1 ': 'other-provider',
  'builtin:x:1\n': 'other-provider',
  'builtin:x:1\0': 'other-provider',
  'builtin:x:y:1': 'other-provider',
  'builtin:x:99999999999999999999': 'other-provider',
  'c:1794000000:1:1:1': 'other-provider',
} as const))
  test(`no token: ${JSON.stringify(request)}`, (t) => t.is(parseToken(request), is));

test('ids are as git’s: a count, the process, the time; and never the same', (t) => {
  const next = tokenIds({});
  t.regex(next(), new RegExp(`^0\\.${process.pid}\\.\\d{8}T\\d{6}\\.\\d{6}Z$`));
  t.regex(next(), /^1\./);
  t.is(formatToken({ id: next(), sequence: 0 }).split(':').length, 3, 'none has a colon');
});

test('GIT_TEST_FSMONITOR_TOKEN: ids are as git’s tests want them', (t) => {
  const next = tokenIds({ GIT_TEST_FSMONITOR_TOKEN: 'true' });
  t.deepEqual([next(), next()], ['test_00000001', 'test_00000002']);
  t.regex(tokenIds({ GIT_TEST_FSMONITOR_TOKEN: '0' })(), /^0\.\d/);
});
