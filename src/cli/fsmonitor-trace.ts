import { trace } from '@opentelemetry/api';
import type { AnswerFacts } from '../apps/fsmonitor/daemon.ts';

/** What a span says of an answer. */
const PATHS = 'simple_ipc.fsmonitor.paths';
const DIRECTORIES = 'simple_ipc.fsmonitor.directories';
const TRIVIAL = 'simple_ipc.fsmonitor.trivial';
const COOKIE_WAIT = 'simple_ipc.fsmonitor.cookie_wait_ms';

/** Adds what is known of an answer to the span of its request, which is the active one while it is handled. */
export function traceAnswer({ paths, directories, trivial, cookieWait, cause }: AnswerFacts): void {
  const span = trace.getActiveSpan();
  if (span === undefined) return;
  span.setAttribute(PATHS, paths);
  if (directories !== undefined) span.setAttribute(DIRECTORIES, directories);
  if (trivial !== undefined) span.setAttribute(TRIVIAL, trivial);
  if (cookieWait !== undefined) span.setAttribute(COOKIE_WAIT, cookieWait);
  if (cause !== undefined) span.recordException(cause);
}
