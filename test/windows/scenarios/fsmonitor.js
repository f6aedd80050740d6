import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { request, serve } from 'simple-ipc';
import { watchRepository } from '../dist/apps/fsmonitor/daemon.js';
import { temporaryPath } from './support.js';

const base = dirname(temporaryPath());
process.env.TEMP = process.env.TMP = base;
const worktree = join(base, 'tree');
const gitDirectory = join(worktree, '.git');
const socket = join(gitDirectory, 'fsmonitor--daemon.ipc');
mkdirSync(gitDirectory, { recursive: true });

const facts = [];
const daemon = watchRepository(
  { worktree, gitDirectory, socket },
  { onAnswer: (answer) => facts.push(answer) },
);
const server = await serve(socket, daemon.handler, { control: true });
let token = 'builtin:fake';
const changes = async () => {
  const answer = await (await request(socket, token)).text();
  assert.ok(answer.endsWith('\0'), JSON.stringify(answer));
  const [next, ...paths] = answer.slice(0, -1).split('\0');
  token = next;
  return new Set(paths);
};
const told = async (...paths) => {
  const found = await changes();
  for (const path of paths)
    assert.ok(found.has(path), `${path} among ${[...found]}: ${JSON.stringify(facts.at(-1))}`);
};

assert.deepEqual([...(await changes())], ['/']);
// After an answer that was trivial, once: there is something new in each directory.
assert.deepEqual([...(await changes())], ['.simple-ipc-fsmonitor'], JSON.stringify(facts));
assert.deepEqual([...(await changes())], [], JSON.stringify(facts));
// Wine's watch of a whole tree sees what is in directories that are made while it watches, and not what is in those before.
mkdirSync(join(worktree, 'd'));
await told('d');
mkdirSync(join(worktree, 'd', 'e'));
writeFileSync(join(worktree, 'd', 'e', 'f'), '');
await told('d/e', 'd/e/f');
writeFileSync(join(worktree, 'd', 'a'), '');
await told('d/a');
writeFileSync(join(worktree, 'd', 'e', 'f'), 'x');
await told('d/e/f');
rmSync(join(worktree, 'd', 'a'));
await told('d/a');
renameSync(join(worktree, 'd'), join(worktree, 'D2'));
await told('d', 'D2', 'D2/e', 'D2/e/f');
mkdirSync(join(base, 'outside', 'g'), { recursive: true });
writeFileSync(join(base, 'outside', 'g', 'h'), '');
renameSync(join(base, 'outside'), join(worktree, 'in'));
await told('in', 'in/g', 'in/g/h');
writeFileSync(join(gitDirectory, 'index'), '');
assert.deepEqual(
  [...(await changes())].filter((path) => path.startsWith('.git')),
  [],
);
assert.equal(await (await request(socket, 'quit')).text(), '');
assert.equal((await server.closed).reason, 'quit');
daemon.close();
