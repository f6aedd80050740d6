import { request } from './client.ts';
import { reasonOf } from './errors.ts';
import { shell } from './rendezvous/errors.ts';
import { instanceAt } from './rendezvous/instances.ts';
import { hasEnded } from './rendezvous/process-state.ts';
import type { InstanceStatus } from './rendezvous/status.ts';

/** How long the old server may take to say that it has heard, in milliseconds. */
const PATIENCE = 2_000;

/** Tells a server that its path is another's now. Never throws: one that does not hear it finds out by itself. */
export async function tellReplaced(
  { path, pid, control, pathCheckInterval }: InstanceStatus,
  onNotice: (message: string) => void,
): Promise<void> {
  if (control === null) return;
  try {
    const answer = await request(control, 'handover', {
      timeout: PATIENCE,
      deadline: PATIENCE,
      waitIfMissing: true,
    });
    await answer.text();
  } catch (error) {
    const then =
      pathCheckInterval > 0
        ? `It ends when it looks at its path, every ${pathCheckInterval} ms`
        : 'It does not look at its path: end it';
    onNotice(
      `The server at ${shell(path)} before this one (pid ${pid}) could not be told that it was taken over ` +
        `(${reasonOf(error)}). ${then}.`,
    );
  }
}

/** Whether a server of this library that lives stands at a path: it has taken it over, and may not have said so yet. */
export function hasSuccessor(path: string): boolean {
  try {
    const status = instanceAt(path);
    return status !== undefined && !hasEnded(status);
  } catch {
    return false;
  }
}
