import type { Fault } from './reasons.ts';
import type { Facts, Finding } from './types.ts';

export function ok(detail: string): Finding {
  return { mark: 'ok', detail };
}

export function warning(detail: string): Finding {
  return { mark: 'warning', detail };
}

/** What cannot be seen from here. */
export function unknown(detail: string): Finding {
  return { mark: 'unknown', detail };
}

/** What means nothing here. */
export function skipped(detail: string): Finding {
  return { mark: 'skipped', detail };
}

/**
 * What is wrong, though the checks behind it may find something that is worse. `remedy` is what to do about it where that
 * is not what the reason says.
 */
export function failed(reason: Fault, detail: string, facts: Facts = {}, remedy?: string): Finding {
  return { mark: 'failed', detail, reason, facts, ...(remedy !== undefined && { remedy }) };
}

/** What is wrong, and leaves nothing to be looked at behind it. */
export function fatal(reason: Fault, detail: string, facts: Facts = {}, remedy?: string): Finding {
  return { ...failed(reason, detail, facts, remedy), isLast: true };
}
