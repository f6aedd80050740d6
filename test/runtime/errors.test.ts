import { readFileSync } from 'node:fs';
import test from 'ava';
import { errnoOf, MEANING, reasonOf, SimpleIpcError } from '../../src/runtime/errors.ts';

test('docs/errors.md has each code with its meaning, and no other', (t) => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(SIMPLE_IPC_\w+)` \| (.*?) \| (.+?) \| (no|perhaps|) ?\|$/gm)];
  t.deepEqual(
    Object.fromEntries(rows.map(([, code, meaning]) => [code, meaning])),
    MEANING as Record<string, string>,
  );
});

test('an error has a stable code, its path and its cause, and reads well', (t) => {
  const cause = Object.assign(new Error('inner'), { code: 'ENOENT' });
  const error = new SimpleIpcError('SIMPLE_IPC_PATH_NOT_FOUND', 'Nothing there.', { path: '/x', cause });
  t.is(error.code, 'SIMPLE_IPC_PATH_NOT_FOUND');
  t.is(error.path, '/x');
  t.is(error.cause, cause);
  t.is(String(error), 'SimpleIpcError: Nothing there.');
  t.is(errnoOf(error.cause), 'ENOENT');
  t.false('cause' in new SimpleIpcError('SIMPLE_IPC_BUSY', 'x'));
});

test('instanceof holds across copies of the package', async (t) => {
  // A name that the compiler cannot follow, and another copy to the loader.
  const url = new URL('../../src/runtime/errors.ts?copy', import.meta.url).href;
  const copy = (await import(url)) as typeof import('../../src/runtime/errors.ts');
  t.not(copy.SimpleIpcError, SimpleIpcError);
  t.true(new copy.SimpleIpcError('SIMPLE_IPC_BUSY', 'x') instanceof SimpleIpcError);
  t.false(new Error('x') instanceof SimpleIpcError);
  t.false((null as unknown) instanceof SimpleIpcError);
});

test('whatever was thrown has a reason', (t) => {
  t.is(reasonOf(new Error('why')), 'why');
  t.is(reasonOf('just text'), 'just text');
  t.is(reasonOf(undefined), 'undefined');
});
