import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import { compileGenerator } from '../../../bench/run/compile.ts';
import { Unavailable } from '../../../bench/types.ts';
import { peerTest, program } from '../../support/peers.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const withCompiler = peerTest(program('cc', 'gcc'));

test('without a compiler it says what to install', async (t) => {
  const env = { ...process.env, CC: '/nonexistent/cc', XDG_CACHE_HOME: temporaryDirectory(t) };
  const error = await t.throwsAsync(compileGenerator(env), { instanceOf: Unavailable });
  t.regex(error.message, /\/nonexistent\/cc.*install/);
});

withCompiler('compiles once, also where two want it at the same time', async (t) => {
  const cache = temporaryDirectory(t);
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  const [one, other] = await Promise.all([compileGenerator(env), compileGenerator(env)]);
  t.is(one, other);
  t.deepEqual(readdirSync(join(cache, 'simple-ipc', 'bench')), [basename(one)]);

  // What is there needs no compiler.
  t.is(await compileGenerator({ ...env, PATH: '/nonexistent' }), one);
  t.not(await compileGenerator({ ...env, CC: 'cc -g' }), one);
});

withCompiler('passes on what the compiler says', async (t) => {
  const env = { ...process.env, CC: 'cc --no-such-flag', XDG_CACHE_HOME: temporaryDirectory(t) };
  const error = await t.throwsAsync(compileGenerator(env), { instanceOf: Unavailable });
  t.regex(error.message, /no-such-flag/);
});
