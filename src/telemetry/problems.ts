/** Reports what goes wrong, once for each kind: it must not flood a log, and break nothing. */
export class Problems {
  readonly #known = new Set<string>();
  readonly #report: (message: string) => void;

  constructor(report: ((message: string) => void) | undefined) {
    this.#report = report ?? warn;
  }

  report(kind: string, message: string): void {
    if (this.#known.has(kind)) return;
    this.#known.add(kind);
    try {
      this.#report(message);
    } catch (error) {
      warn(`onProblem threw (${messageOf(error)}) when it was told: ${message}`);
    }
  }
}

/** A warning of the process. */
export function warn(message: string): void {
  process.emitWarning(message, 'SimpleIpcWarning');
}

/** An error's message, or what was thrown in its place. Never throws, whatever that is. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return 'what was thrown cannot be told';
  }
}
