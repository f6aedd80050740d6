import { awaitCall, loadServer } from '../start/called.ts';

/** On standby: loads what a daemon is, and waits until it is to be one. Gives its words; nothing: there is to be none. */
export async function standBy(): Promise<readonly string[] | undefined> {
  await Promise.all([
    import('../apps/fsmonitor/repository.ts'),
    import('./fsmonitor-arguments.ts'),
    import('./fsmonitor-handed.ts'),
    import('./fsmonitor-run.ts'),
    loadServer(),
  ]);
  // Behind `fsmonitor`.
  return awaitCall()?.slice(1);
}
