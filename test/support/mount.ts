import { spawnSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { temporaryDirectory } from './temporary.ts';

/** Shows a directory at another by FUSE, as file systems of elsewhere are shown; false, with a note in the test's log, where that may not be. */
export function mountByFuse(t: ExecutionContext, source: string, at: string): boolean {
  const { status, stderr, error } = spawnSync('bindfs', [source, at], { encoding: 'utf8' });
  if (status !== 0) {
    t.log(`skipped: bindfs could not mount (${error?.message ?? stderr.trim()})`);
    return false;
  }
  t.teardown(() => {
    // Who is not root unmounts by FUSE's own command.
    for (const [command, ...rest] of [
      ['umount', '--lazy'],
      ['fusermount3', '-uz'],
      ['fusermount', '-uz'],
    ])
      if (spawnSync(command!, [...rest, at]).status === 0) return;
  });
  return true;
}

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
