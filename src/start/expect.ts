import { socketPath } from '../control/ask.ts';
import { stop } from '../control/stop.ts';
import { isMissing } from '../runtime/client.ts';
import { invalidArgument, SimpleIpcError } from '../runtime/errors.ts';
import { connectError } from '../runtime/rendezvous/connect-error.ts';
import { shell } from '../runtime/rendezvous/errors.ts';
import { identityAt } from '../runtime/rendezvous/identity.ts';
import { instanceAt } from '../runtime/rendezvous/instances.ts';
import { knock } from '../runtime/rendezvous/knock.ts';
import { acquireLock } from '../runtime/rendezvous/lock.ts';
import type { InstanceStatus } from '../runtime/rendezvous/status.ts';
import type { ExpectedServer } from '../runtime/types.ts';
import type { StartPlan } from './options.ts';
import type { Deeds } from './request.ts';
import { versionRange } from './version-range.ts';

/** How long a server may take to be found alive, in milliseconds. */
const KNOCK_TIMEOUT = 1_000;
/** How long a server that is replaced may take to end, and others who replace it are waited for, in milliseconds. */
const REPLACE_TIMEOUT = 30_000;

/**
 * Checks who listens at a path before it is asked. Where nobody does there is nobody to check: to connect says more.
 *
 * With `replace` a call ends at most one server, when the command of its successor can be run, and none that it has started
 * itself. What the command will start cannot be known before: where that is the wrong version, each call ends the one that the
 * call before it has started, and says so.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT` for an expectation that is none.
 */
export function expecting(
  path: string,
  expected: ExpectedServer,
  deeds: Deeds,
  plan: StartPlan | undefined,
): (signal: AbortSignal) => Promise<void> {
  const absolute = socketPath(path);
  const fault = faultFinder(expected);

  const look = async (): Promise<SimpleIpcError | undefined> => {
    const status = instanceAt(absolute);
    const found = fault(status);
    if (found === undefined || !(await isThere(absolute))) return undefined;
    return wrongServer(path, found, deeds.hasStarted);
  };
  return async (signal) => {
    const wrong = await look();
    if (wrong === undefined) return;
    // Another program is never ended for not being this one, nor a server for what its successor is.
    const isOwn = instanceAt(absolute)?.program === expected.program;
    const mayReplace = expected.replace === true && deeds.stopped === undefined && !deeds.hasStarted;
    if (!mayReplace || !isOwn || plan === undefined) throw wrong;
    (await import('./runnable.ts')).checkRunnable(plan);
    const lock = await acquireLock(absolute, { name: 'start', lockTimeout: REPLACE_TIMEOUT, signal });
    try {
      // Another client may have replaced it meanwhile.
      if ((await look()) === undefined) return;
      const status = instanceAt(absolute);
      const { wasRunning } = await stop(path, { timeout: REPLACE_TIMEOUT, signal });
      if (wasRunning && status !== undefined) deeds.stopped = `${nameOf(status)} (pid ${status.pid})`;
    } finally {
      lock.release();
    }
  };
}

/** Who is there, and who should be. */
interface Fault {
  /** Nothing where it does not say who it is. */
  readonly is: string | undefined;
  readonly wanted: string;
}

/** What is wrong with a server; nothing where it is the right one. */
function faultFinder({
  program,
  version,
  replace,
}: ExpectedServer): (status: InstanceStatus | undefined) => Fault | undefined {
  if (program === undefined && version === undefined)
    throw invalidArgument('expect needs a program, a version, or both.');
  if (replace === true && program === undefined)
    throw invalidArgument('expect with replace needs the program: no other is ended to make room.');
  const isInRange = version === undefined ? () => true : versionRange(version);
  const wanted = [program, version].filter((part) => part !== undefined).join(' ');
  return (status) => {
    if (status === undefined) return { is: undefined, wanted };
    const isRight =
      (program === undefined || status.program === program) &&
      (version === undefined || (status.version !== null && isInRange(status.version)));
    return isRight ? undefined : { is: nameOf(status), wanted };
  };
}

function nameOf({ program, version }: InstanceStatus): string {
  return `${program} ${version ?? 'without a version'}`;
}

/** Whether anybody is there at all, whoever it is. */
async function isThere(path: string): Promise<boolean> {
  if (process.platform !== 'win32' && identityAt(path) === undefined) return false;
  const error = await knock(path, { timeout: KNOCK_TIMEOUT });
  return error === undefined || !isMissing(connectError(error, path));
}

function wrongServer(path: string, { is, wanted }: Fault, hasStarted: boolean): SimpleIpcError {
  const [found, advice] = hasStarted
    ? [
        `the start command started ${is ?? 'a server that says nothing of itself'}, and ${wanted} is expected: correct the command`,
        'Nothing was sent; that server runs on.',
      ]
    : [
        `${is === undefined ? 'it says nothing of itself' : `it is ${is}`}, and ${wanted} is expected`,
        'Nothing was sent. Stop it, or use the path of the right one.',
      ];
  return new SimpleIpcError(
    'SIMPLE_IPC_WRONG_SERVER',
    `The server at ${shell(path)} is another: ${found}. ${advice}`,
    { path },
  );
}
