import { stop } from '../control/stop.ts';
import { isMissing } from '../runtime/client.ts';
import { invalidArgument, SimpleIpcError } from '../runtime/errors.ts';
import { connectError } from '../runtime/rendezvous/connect-error.ts';
import { resolveEndpoint } from '../runtime/rendezvous/endpoint.ts';
import { shell } from '../runtime/rendezvous/errors.ts';
import { identityAt } from '../runtime/rendezvous/identity.ts';
import { instanceAt } from '../runtime/rendezvous/instances.ts';
import { knock } from '../runtime/rendezvous/knock.ts';
import { acquireLock } from '../runtime/rendezvous/lock.ts';
import type { InstanceStatus } from '../runtime/rendezvous/status.ts';
import type { ExpectedServer } from '../runtime/types.ts';
import { versionRange } from './version-range.ts';

/** How long a server may take to be found alive, in milliseconds. */
const KNOCK_TIMEOUT = 1_000;
/** How long a server that is replaced may take to end, and others who replace it are waited for, in milliseconds. */
const REPLACE_TIMEOUT = 30_000;

/**
 * Checks who listens at a path before it is asked. Where nobody does there is nobody to check: to connect says more.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT` for an expectation that is none.
 */
export function expecting(path: string, expected: ExpectedServer): (signal: AbortSignal) => Promise<void> {
  const { absolute } = resolveEndpoint(path);
  const fault = faultFinder(expected);
  let hasReplaced = false;

  const look = async (): Promise<SimpleIpcError | undefined> => {
    const status = instanceAt(absolute);
    const found = fault(status);
    if (found === undefined || !(await isThere(absolute))) return undefined;
    return wrongServer(path, found);
  };
  return async (signal) => {
    const wrong = await look();
    if (wrong === undefined) return;
    // Another program is never ended for not being this one, nor a server for what its successor is.
    const isOwn = instanceAt(absolute)?.program === expected.program;
    if (expected.replace !== true || hasReplaced || !isOwn) throw wrong;
    hasReplaced = true;
    const lock = await acquireLock(absolute, { name: 'start', lockTimeout: REPLACE_TIMEOUT, signal });
    try {
      // Another client may have replaced it meanwhile.
      if ((await look()) !== undefined) await stop(path, { timeout: REPLACE_TIMEOUT, signal });
    } finally {
      lock.release();
    }
  };
}

/** What is wrong with a server; nothing where it is the right one. */
function faultFinder({
  program,
  version,
  replace,
}: ExpectedServer): (status: InstanceStatus | undefined) => string | undefined {
  if (program === undefined && version === undefined)
    throw invalidArgument('expect needs a program, a version, or both.');
  if (replace === true && program === undefined)
    throw invalidArgument('expect with replace needs the program: no other is ended to make room.');
  const isInRange = version === undefined ? () => true : versionRange(version);
  const wanted = [program, version].filter((part) => part !== undefined).join(' ');
  return (status) => {
    if (status === undefined) return `it says nothing of itself, and ${wanted} is expected`;
    const isRight =
      (program === undefined || status.program === program) &&
      (version === undefined || (status.version !== null && isInRange(status.version)));
    if (isRight) return undefined;
    return `it is ${[status.program, status.version ?? 'without a version'].join(' ')}, and ${wanted} is expected`;
  };
}

/** Whether anybody is there at all, whoever it is. */
async function isThere(path: string): Promise<boolean> {
  if (process.platform !== 'win32' && identityAt(path) === undefined) return false;
  const error = await knock(path, { timeout: KNOCK_TIMEOUT });
  return error === undefined || !isMissing(connectError(error, path));
}

function wrongServer(path: string, why: string): SimpleIpcError {
  return new SimpleIpcError(
    'SIMPLE_IPC_WRONG_SERVER',
    `The server at ${shell(path)} is another: ${why}. Nothing was sent. Stop it, or use the path of the right one.`,
    { path },
  );
}
