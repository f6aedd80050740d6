import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A directory of the test's own (0700), removed after it. */
export function temporaryDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'simple-ipc-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A path for a socket in a directory of the test's own. */
export function temporaryPath(t: ExecutionContext): string {
  return join(temporaryDirectory(t), 'test.sock');
}
