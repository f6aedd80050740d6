/** Checks the package as users get it: what `npm pack` makes, by publint and by attw. Run by `npm run check:package`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function run(command: string, ...args: string[]): void {
  console.error(`> ${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  console.error(
    `${command} failed${error === undefined ? '' : `: ${error.message}`}. Fix what it says above.`,
  );
  process.exitCode = 1;
}

const directory = mkdtempSync(join(tmpdir(), 'simple-ipc-pack-'));
try {
  run('npm', 'pack', '--silent', '--pack-destination', directory);
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no file.');
  run('publint', 'run', join(directory, tarball), '--strict');
  // The package is ESM alone: `require` of it works on every Node that it supports.
  run('attw', join(directory, tarball), '--profile', 'esm-only');
} finally {
  rmSync(directory, { recursive: true, force: true });
}
