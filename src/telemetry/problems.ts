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

/** The error that is behind another. */
export function causeOf(error: unknown): Error | undefined {
  return error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
}

/** An error's message, or what was thrown in its place. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
