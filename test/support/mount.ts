import { spawnSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { temporaryDirectory } from './temporary.ts';

/** A file system of the test's own, in memory; nothing, with a note in the test's log, where none may be mounted. */
export function mount(t: ExecutionContext, options: string): string | undefined {
  const directory = temporaryDirectory(t);
  const { status, stderr, error } = spawnSync(
    'mount',
    ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'tmpfs', directory],
    { encoding: 'utf8' },
  );
  if (status !== 0) {
    t.log(`skipped: nothing can be mounted here (${error?.message ?? stderr.trim()})`);
    return undefined;
  }
  // A process that a test has started may still be ending there.
  t.teardown(() => spawnSync('umount', ['--lazy', directory]));
  return directory;
}
