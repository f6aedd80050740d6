import { loadExchange, type CallHooks } from '../runtime/client.ts';
import { invalidArgument, SimpleIpcError } from '../runtime/errors.ts';
import { connectError } from '../runtime/rendezvous/connect-error.ts';
import { nothingAt } from '../runtime/rendezvous/endpoint.ts';
import type { RequestOptions, StartOptions } from '../runtime/types.ts';
import { planStart, type StartPlan } from './options.ts';

/** How often one call may find that a server which listened has gone before it was asked. */
const LOOKS = 5;

/** What one call has done so far about who listens. */
export interface Deeds {
  /** It ran the command that starts a server. */
  hasStarted: boolean;
  /** The server that it ended to make room. */
  stopped: string | undefined;
}

/**
 * What has a call start a server where none listens, once, and what has it look who listens. Loaded only for calls that ask for
 * it; what starts one, only when it comes to that. A server that dies of the request itself is started again at most once a
 * call, too.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT`.
 */
export async function callHooks(
  path: string,
  { start, expect }: Pick<RequestOptions, 'start' | 'expect'>,
): Promise<CallHooks> {
  const options = start === undefined ? undefined : startOptions(start);
  const plan = options && planStart(path, options);
  if (expect?.replace === true && plan === undefined)
    throw invalidArgument('expect with replace needs start: nobody would follow the server that is ended.');
  const deeds: Deeds = { hasStarted: false, stopped: undefined };
  const whenMissing = options && starting(path, options, deeds);
  const beforeConnect =
    expect === undefined
      ? whenMissing && plan && startingAhead(plan, whenMissing)
      : (await import('./expect.ts')).expecting(path, expect, deeds, plan);
  return {
    ...(beforeConnect && {
      beforeConnect: (signal) => tellingWhatWasStopped(deeds, beforeConnect(signal)),
    }),
    ...(whenMissing && {
      whenMissing: (error, signal) => tellingWhatWasStopped(deeds, whenMissing(error, signal)),
    }),
  };
}

function starting(
  path: string,
  options: StartOptions,
  deeds: Deeds,
): (missing: SimpleIpcError, signal: AbortSignal) => Promise<void> {
  let looks = 0;
  return async (missing, signal) => {
    if (looks >= LOOKS) throw missing;
    looks++;
    const [{ start }, { runDetached }] = await Promise.all([import('./start.ts'), import('./detached.ts')]);
    const either = options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]);
    const { started } = await start(path, { ...options, signal: either }, async (...command) => {
      const child = await runDetached(...command);
      // Loaded while the server comes up. What fails it is thrown where it is needed.
      void loadExchange().catch(() => undefined);
      return child;
    });
    if (!started) return;
    looks = LOOKS;
    deeds.hasStarted = true;
  };
}

/** Has an attempt start a server where nothing stands at the path, before what connects is loaded: that need not be waited for then. */
function startingAhead(
  { path, absolute }: StartPlan,
  whenMissing: (missing: SimpleIpcError, signal: AbortSignal) => Promise<void>,
): (signal: AbortSignal) => Promise<void> {
  return async (signal) => {
    const missing = nothingAt(absolute);
    if (missing !== undefined) await whenMissing(connectError(missing, path), signal);
  };
}

/** Who has lost a server that worked is told of that first. */
async function tellingWhatWasStopped(deeds: Deeds, doing: Promise<void>): Promise<void> {
  try {
    await doing;
  } catch (error) {
    const { stopped } = deeds;
    if (stopped === undefined || !(error instanceof SimpleIpcError)) throw error;
    const { code, message, path } = error;
    throw new SimpleIpcError(
      code,
      `${stopped} was stopped to make room, and nobody that is expected has taken its place. ${message}`,
      { ...(path === undefined ? undefined : { path }), cause: error },
    );
  }
}

function startOptions(given: StartOptions | readonly string[]): StartOptions {
  // A string is refused with the words for one.
  return Array.isArray(given) || typeof given === 'string'
    ? { command: given as readonly string[] }
    : (given as StartOptions);
}
