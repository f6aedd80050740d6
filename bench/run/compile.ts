/** Compiles the generator in C, once for each state of its source. */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Unavailable } from '../types.ts';
import { cacheDirectory, isExecutable } from './programs.ts';

const run = promisify(execFile);
const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const MAIN = 'generator.c';

/**
 * The path of the compiled generator: in the user's cache, where it may be already.
 *
 * @throws {Unavailable} where there is no C compiler
 */
export async function compileGenerator(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const [compiler = 'cc', ...flags] = (env['CC'] || 'cc').split(' ').filter((word) => word !== '');
  const cache = join(cacheDirectory(env), 'bench');
  const program = join(cache, `generator-${await hashOfSource([process.arch, compiler, ...flags])}`);
  if (isExecutable(program)) return program;

  await mkdir(cache, { recursive: true });
  // Two that compile at once have the same result, and each puts its own there whole.
  const unfinished = `${program}.${randomUUID()}`;
  try {
    await run(compiler, [...flags, '-O2', '-o', unfinished, join(FOLDER, MAIN)]).catch(cannotCompile);
    await rename(unfinished, program);
  } finally {
    await rm(unfinished, { force: true });
  }
  return program;
}

async function hashOfSource(also: readonly string[]): Promise<string> {
  const headers = await readdir(join(FOLDER, 'generator'));
  const hash = createHash('sha256').update(JSON.stringify(also));
  for (const file of [MAIN, ...headers.toSorted().map((header) => join('generator', header))])
    hash.update(await readFile(join(FOLDER, file)));
  return hash.digest('hex').slice(0, 16);
}

function cannotCompile(cause: unknown): never {
  throw new Unavailable(
    `The load generator could not be compiled (${(cause as Error).message.trim()}). Install a C compiler, on Debian by ` +
      'apt-get install gcc libc6-dev, or name one with CC.',
    { cause },
  );
}
