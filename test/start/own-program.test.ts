import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';

import { fromAnywhere } from '../../src/start/own-program.ts';

test('relative files in the options of Node.js are those of this directory', (t) => {
  const hook = pathToFileURL(resolve('hook.mjs')).href;
  t.deepEqual(fromAnywhere(['--import', './hook.mjs', '--import=./hook.mjs']), [
    '--import',
    hook,
    `--import=${hook}`,
  ]);
  t.deepEqual(fromAnywhere(['-r', '../hook.cjs', '--require=./hook.cjs', '--env-file=.env']), [
    '-r',
    resolve('../hook.cjs'),
    `--require=${resolve('hook.cjs')}`,
    `--env-file=${resolve('.env')}`,
  ]);
});

test('all else stays', (t) => {
  const options = [
    '--import',
    'tsx',
    '--import=/hook.mjs',
    '--import',
    'data:text/javascript,0',
    '--max-old-space-size=100',
    '--title=./x',
    '--no-warnings',
  ];
  t.deepEqual(fromAnywhere(options), options);
});
