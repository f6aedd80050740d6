import { processState } from '../runtime/rendezvous/process-state.ts';
import type { FoundInstance, InstanceStatus } from '../runtime/rendezvous/status.ts';
import type { PoolState } from '../runtime/types.ts';
import { askState, isLate } from './control.ts';
import { listensBy } from './kernel.ts';

/**
 * The instances that have not ended: an instance takes its directory with it, so one whose very process lives is at
 * work. A pid alone would not do, it may be another's by now.
 */
export function livingOf(instances: readonly FoundInstance[]): InstanceStatus[] {
  return instances.flatMap(({ status }) => {
    if (status === undefined || status.processStartTime === null) return [];
    const state = processState(status);
    return state === 'running' || state === 'stopped' ? [status] : [];
  });
}

/** How a server that lives is found. */
export interface Condition {
  /** As its control endpoint says, or else as the kernel does. */
  readonly state: PoolState | 'listening' | 'ending';
  /** `stopped`, by a signal or a debugger; `hangs`: it has not answered in time. */
  readonly process: 'running' | 'stopped' | 'hangs';
}

/** How a server is that has lost its path, or given it up. Nobody can connect to it; its control endpoint is asked. */
export async function conditionOf(status: InstanceStatus, timeout: number): Promise<Condition> {
  if (processState(status) === 'stopped') return { state: seen(status), process: 'stopped' };
  if (status.control === null) return { state: seen(status), process: 'running' };
  try {
    return { state: await askState(status, timeout), process: 'running' };
  } catch (error) {
    // It may be ending just now.
    return { state: seen(status), process: isLate(error) ? 'hangs' : 'running' };
  }
}

function seen({ pid, boundAs }: InstanceStatus): 'listening' | 'ending' {
  return listensBy(pid, boundAs) ? 'listening' : 'ending';
}

/** What a process that does nothing is like, to go behind its pid. */
export function ofProcess({ process: state }: Condition, timeout: number): string {
  switch (state) {
    case 'stopped':
      return '; it is stopped by a signal or a debugger';
    case 'hangs':
      return `; it hangs: its control endpoint has not answered within ${timeout} ms`;
    case 'running':
      return '';
  }
}
