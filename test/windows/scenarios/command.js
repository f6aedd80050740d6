import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { COMMAND, start, temporaryPath } from './support.js';

const run = (...args) => start(COMMAND, ...args).ended();
const path = temporaryPath();

// Nobody is there, and wrong usage.
const [missing, unheard, ...wrong] = await Promise.all([
  run('probe', path),
  run('send', path, 'ping'),
  run('send'),
  run('serve', path, '--window', 'wide'),
]);
assert.deepEqual([missing.code, missing.out], [1, 'not-listening\n'], missing.err);
assert.deepEqual([unheard.code, unheard.out], [1, '']);
assert.match(unheard.err, /^simple-ipc: There is nothing at /);
assert.deepEqual(
  wrong.map(({ code }) => code),
  [2, 2],
);

// The demo application.
const server = start(COMMAND, 'serve', path);
await server.says('Listening at ');
const [found, answered, big] = await Promise.all([
  run('probe', path, '--json'),
  run('send', path, 'ping'),
  run('send', path, 'big'),
]);
assert.equal(found.code, 0);
assert.equal(JSON.parse(found.out).state, 'listening');
assert.deepEqual([answered.code, answered.out, answered.err], [0, 'pong', '']);
assert.deepEqual([big.code, big.out.length], [0, 10_000 * 81]);
assert.equal((await run('send', path, 'quit')).code, 0);
const { code, err } = await server.ended();
assert.equal(code, 0, err);

// A handler of a module's.
const module = temporaryPath('handler.mjs');
writeFileSync(module, "export default (request) => 'from a module';");
const second = start(COMMAND, 'serve', path, '--module', module);
await second.says('Listening at ');
assert.equal((await run('send', path)).out, 'from a module');
second.child.kill();
await second.ended();
// Windows ends it without a word; with it goes its pipe.
assert.equal((await run('probe', path)).code, 1);
