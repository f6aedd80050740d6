/** A worktree with a directory that its daemon may not read, in the directory that is given; run by a user to whom that is denied. Prints what was answered. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { watchRepository } from '../../../src/apps/fsmonitor/daemon.ts';
import { request, serve } from '../../../src/index.ts';
import { repositoryAt } from '../../support/watched.ts';

const worktree = join(process.argv[2] as string, 'tree');
const repository = repositoryAt(worktree);
const { gitDirectory, socket } = repository;
mkdirSync(join(worktree, 'd/e'), { recursive: true });
mkdirSync(gitDirectory);
writeFileSync(join(worktree, 'd/e/f'), '');
chmodSync(join(worktree, 'd'), 0o300);

const answers: unknown[] = [];
let trivial: string | undefined;
const daemon = watchRepository(repository, { onAnswer: (facts) => (trivial = facts.trivial) });
const server = await serve(socket, daemon.handler);
let token = 'builtin:fake';
const ask = async () => {
  const [next, ...paths] = (await (await request(socket, token)).text()).slice(0, -1).split('\0');
  token = next as string;
  answers.push([trivial ?? null, paths.toSorted()]);
};
await ask();
await ask();
chmodSync(join(worktree, 'd'), 0o700);
await ask();
writeFileSync(join(worktree, 'd/e/f'), 'x');
await ask();
process.stdout.write(JSON.stringify(answers));
await server.close();
daemon.close();
