import { fs } from '../runtime/builtins.ts';
import { SimpleIpcError } from '../runtime/errors.ts';
import { resolveEndpoint } from '../runtime/rendezvous/endpoint.ts';
import { cannotPrepare, sidecarOf } from '../runtime/rendezvous/sidecar.ts';
import { pidAt } from './look.ts';
import { planStart } from './options.ts';
import { runUntilUp, type Outcome } from './run.ts';
import type { StartOptions } from '../runtime/types.ts';

const { accessSync, constants } = fs;

/**
 * Runs a command that serves at the path itself, and waits until it is that very process whose socket stands there: also
 * where another one was before. It takes no lock, because the server itself finds out whether it may have the path.
 *
 * @throws {SimpleIpcError} As `start`.
 */
export async function startInstance(path: string, options: StartOptions): Promise<Outcome> {
  const plan = planStart(path, options);
  return runUntilUp(plan, {
    async lacking({ pid }) {
      if (pidAt(plan.absolute) === pid) return undefined;
      return new SimpleIpcError('SIMPLE_IPC_NOT_LISTENING', `Process ${pid} does not listen there.`, {
        path,
      });
    },
    isLost: ({ exit }) => exit !== undefined,
  });
}

/**
 * Checks the directory that a server is to make its socket in, and most often its log.
 *
 * @throws {SimpleIpcError} What `serve` would say.
 */
export function checkPlace(path: string): void {
  const { absolute, directory } = resolveEndpoint(path);
  // A pipe has no directory.
  if (process.platform === 'win32') return;
  try {
    accessSync(`${directory}/.`, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw cannotPrepare(absolute, sidecarOf(absolute), error);
  }
}
