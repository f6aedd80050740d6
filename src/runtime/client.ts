import type { CallObserver, ObservedCall, Telemetry } from '../machines/observer.ts';
import { monotonicMs } from './builtins.ts';
import { bytesOf, checkMessage, isWhole } from './chunks.ts';
import * as failure from './client-errors.ts';
import { errnoOf, SimpleIpcError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { observerFailed, TRANSPORT } from './observe.ts';
import { requestLimits, type RequestLimits } from './options.ts';
import { resolveEndpoint } from './rendezvous/endpoint.ts';
import { checkTrust } from './rendezvous/trust.ts';
import type { IpcResponse, Message, RequestOptions } from './types.ts';

/** How long to wait before connecting again, in milliseconds: git's WAIT_STEP_MS. */
const WAIT_STEP = 50;

/** How often an idempotent request that was cut off is sent again; where it looks refused, as long as a busy server is waited for. */
const REPEATS = 3;

/** What belongs to a call beside its own attempts to connect: within its one span, its deadline and its signal. */
export interface CallHooks {
  /** Is called before each attempt. What it throws ends the call. `signal` aborts when the call has been given up. */
  beforeConnect?(signal: AbortSignal): Promise<void>;
  /**
   * Nobody listens at the path (`SIMPLE_IPC_PATH_NOT_FOUND`, `SIMPLE_IPC_NOT_LISTENING`), and this attempt has let no
   * byte go. Resolves where it is worth connecting again, at once; what it throws ends the call. `signal` aborts when the
   * call has been given up.
   */
  whenMissing?(error: SimpleIpcError, signal: AbortSignal): Promise<void>;
}

let exchanges: Promise<typeof import('./exchange.ts')> | undefined;

/** What connects and asks: not loaded before a server that is missing has been started, which it need not wait for. */
export function loadExchange(): Promise<typeof import('./exchange.ts')> {
  return (exchanges ??= import('./exchange.ts'));
}

/** As `request` of src/index.ts, which says it all; `options.telemetry` is all that observes it. */
export async function request(
  path: string,
  message?: Message,
  options: RequestOptions = {},
  hooks: CallHooks = {},
): Promise<IpcResponse> {
  const limits = requestLimits(options);
  checkMessage(message, failure.THE_MESSAGE);
  const { absolute } = resolveEndpoint(path);
  const giveUp = new GiveUp(path, limits.deadline, options.signal);
  const call = new Call(path, message);
  const observer = guardedCall(options.telemetry, call);
  const started = monotonicMs();
  let sent = 0;
  let cutOff: SimpleIpcError | undefined;
  try {
    for (;;) {
      giveUp.throwIfDue();
      const { beforeConnect } = hooks;
      if (beforeConnect !== undefined) await giveUp.during((signal) => beforeConnect(signal));
      let exchange: Exchange | undefined;
      try {
        const { Exchange } = await loadExchange();
        giveUp.throwIfDue();
        // Looked at each time: a socket that was not there before may be anybody's.
        if (options.allowUntrusted !== true) checkTrust(absolute);
        const current = new Exchange(path, limits.timeout, observer);
        exchange = current;
        call.exchange = current;
        giveUp.tell = (error) => current.fail(error);
        const response = await current.run(absolute, message, limits.waitIfBusy > 0);
        current.whenOver((error) => {
          giveUp.stop();
          observer?.ended(performance.now(), error);
        });
        return response;
      } catch (error) {
        const isPatient = monotonicMs() - started < patience(error, limits);
        // A server that stops may turn away who had come to it before.
        const isLeft = isMissing(error) || (exchange?.wasTurnedAway === true && !isPatient);
        if (exchange?.repeatable === false) {
          sent++;
          if (!isHangUp(error)) throw error;
          cutOff = error;
          const isRefusal = wasReset(error) && monotonicMs() - started < limits.waitIfBusy;
          if (!mayRepeat(message, options) || (sent > REPEATS && !isRefusal)) throw error;
        } else if (hooks.whenMissing !== undefined && isLeft) {
          await giveUp.during((signal) => hooks.whenMissing!(error as SimpleIpcError, signal));
          continue;
        } else if (!isPatient) {
          throw error;
        }
        await giveUp.wait(WAIT_STEP);
      }
    }
  } catch (error) {
    giveUp.stop();
    // Once it was sent, no error may sound as if it had not been.
    const told = cutOff === undefined ? error : failure.afterHangUps(path, { cutOff, sent, error });
    observer?.ended(performance.now(), told as Error);
    throw told;
  }
}

/** An observer of a call that may throw: then it is asked no more, and the call goes on. It is told of one end. */
function guardedCall(telemetry: Telemetry | undefined, call: ObservedCall): CallObserver | undefined {
  let observer: CallObserver | undefined;
  const ask = <T>(what: (observer: CallObserver) => T): T | undefined => {
    try {
      return observer === undefined ? undefined : what(observer);
    } catch (error) {
      return (observer = observerFailed(error));
    }
  };
  try {
    observer = telemetry?.call(call);
  } catch (error) {
    observerFailed(error);
  }
  if (observer === undefined) return undefined;
  return {
    trailer: () => ask((one) => one.trailer()),
    state: (state, at) => ask((one) => one.state(state, at)),
    ended(at, error) {
      ask((one) => one.ended(at, error));
      observer = undefined;
    },
  };
}

/** The call as an observer sees it, whichever attempt it is at. */
class Call implements ObservedCall {
  readonly path: string;
  readonly transport = TRANSPORT;
  exchange: Exchange | undefined;
  readonly #message: Message;

  constructor(path: string, message: Message) {
    this.path = path;
    this.#message = message;
  }

  get requestBytes(): number {
    return this.exchange?.requestBytes ?? 0;
  }

  get requestPackets(): number {
    return this.exchange?.requestPackets ?? 0;
  }

  get responseBytes(): number {
    return this.exchange?.responseBytes ?? 0;
  }

  get responsePackets(): number {
    return this.exchange?.responsePackets ?? 0;
  }

  head(): Uint8Array {
    return isWhole(this.#message) ? bytesOf(this.#message, failure.THE_MESSAGE) : new Uint8Array(0);
  }
}

/** Whether a request whose bytes have gone may be sent again: the caller says so, and has it all still. */
function mayRepeat(message: Message, { idempotent }: RequestOptions): boolean {
  return idempotent === true && (message === undefined || isWhole(message));
}

function isHangUp(error: unknown): error is SimpleIpcError {
  return error instanceof SimpleIpcError && error.code === 'SIMPLE_IPC_HUNG_UP';
}

/** Whether a server closed the connection with something unread in it, as one does that has too many (maxConnections). */
function wasReset({ cause }: SimpleIpcError): boolean {
  const errno = errnoOf(cause);
  return errno === 'ECONNRESET' || errno === 'EPIPE';
}

/** Whether a server is what is wanting, and starting one the remedy. */
export function isMissing(error: unknown): error is SimpleIpcError {
  if (!(error instanceof SimpleIpcError)) return false;
  return error.code === 'SIMPLE_IPC_PATH_NOT_FOUND' || error.code === 'SIMPLE_IPC_NOT_LISTENING';
}

/** How long an error is waited out, in milliseconds. None of these has let a byte of the request go. */
function patience(error: unknown, { waitIfBusy, waitIfMissing }: RequestLimits): number {
  switch (error instanceof SimpleIpcError ? error.code : undefined) {
    case 'SIMPLE_IPC_BUSY':
      return waitIfBusy;
    // git takes a refusal for a busy server; it may as well be a socket that a dead one left.
    case 'SIMPLE_IPC_NOT_LISTENING':
      return Math.max(waitIfBusy, waitIfMissing);
    case 'SIMPLE_IPC_PATH_NOT_FOUND':
      return waitIfMissing;
    default:
      return 0;
  }
}

/** The deadline and the signal of a request: what may end it from outside, whatever it is doing. */
class GiveUp {
  /** Ends what is going on now. */
  tell: ((error: Error) => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  readonly #timer: NodeJS.Timeout | undefined;
  #error: Error | undefined;

  constructor(path: string, deadline: number, signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#onAbort = () => this.#due(failure.aborted(path, signal?.reason));
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (deadline > 0)
      this.#timer = setTimeout(() => this.#due(failure.deadlineExceeded(path, deadline)), deadline);
  }

  #due(error: Error): void {
    this.#error = error;
    this.tell?.(error);
  }

  throwIfDue(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  /** Resolves after `ms` milliseconds, or as soon as it is due. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.tell = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#error !== undefined) this.tell(this.#error);
    });
  }

  /** Runs something else with a signal that aborts as soon as it is due; then that is the reason, whatever `run` says. */
  async during(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const controller = new AbortController();
    this.tell = (error) => controller.abort(error);
    this.throwIfDue();
    try {
      await run(controller.signal);
    } catch (error) {
      this.throwIfDue();
      throw error;
    }
    this.throwIfDue();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}
