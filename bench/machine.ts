/** Where a report was made. */
import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem, type as osType } from 'node:os';
import type { Report } from './types.ts';

export function thisMachine(): Report['machine'] {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    os: `${osType()} ${release()}`,
    node: process.version,
  };
}

/** The commit that is checked out, with a `+` where the tree differs from it. */
export function thisCommit(): string | undefined {
  const git = (...args: string[]) => {
    const { status, stdout } = spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' });
    return status === 0 ? stdout.trim() : undefined;
  };
  const commit = git('rev-parse', '--short', 'HEAD');
  if (commit === undefined) return undefined;
  return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}+`;
}
