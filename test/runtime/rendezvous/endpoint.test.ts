import test from 'ava';

import { pipeName, resolveEndpoint } from '../../../src/runtime/rendezvous/endpoint.ts';

test('a path is made absolute, and nothing else in it is changed', (t) => {
  const { path, absolute, directory, name } = resolveEndpoint('a/../b/app.sock', 'linux');
  t.is(path, 'a/../b/app.sock');
  t.is(absolute, `${process.cwd()}/a/../b/app.sock`);
  t.is(directory, `${process.cwd()}/a/../b`);
  t.is(name, 'app.sock');
  t.is(resolveEndpoint('/app.sock', 'linux').directory, '/');
});

for (const path of ['', '\0', 'a\0b', 'dir/', '.', '..', 'dir/..', '/', undefined, 7]) {
  test(`refused: ${JSON.stringify(path)}`, (t) => {
    const error = t.throws(() => resolveEndpoint(path as string, 'linux'), {
      code: 'SIMPLE_IPC_INVALID_ARGUMENT',
    });
    t.regex(error!.message, /give a path/);
  });
}

test("a pipe's name follows git's rule", (t) => {
  t.is(pipeName('C:\\a\\b'), '\\\\.\\pipe\\C_\\a\\b');
  t.is(pipeName('C:/a/b:c'), '\\\\.\\pipe\\C_\\a\\b:c');
  t.is(pipeName('\\\\server\\share\\b'), '\\\\.\\pipe\\\\\\server\\share\\b');
});

test('the name of a pipe stays as it is', (t) => {
  t.is(pipeName('\\\\.\\pipe\\app'), '\\\\.\\pipe\\app');
  t.is(resolveEndpoint('\\\\.\\pipe\\app', 'win32').absolute, '\\\\.\\pipe\\app');
});

test('on Windows a path is made absolute by its rules', (t) => {
  t.is(resolveEndpoint('C:/a/../app.sock', 'win32').absolute, 'C:\\app.sock');
  t.throws(() => resolveEndpoint('C:\\', 'win32'), { code: 'SIMPLE_IPC_INVALID_ARGUMENT' });
});
