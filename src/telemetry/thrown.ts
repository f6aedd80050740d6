/** The longest message, name or code of an error that is told, and the longest stack, in characters. */
export const MAX_MESSAGE = 1_024;
const MAX_STACK = 8_192;

/** What of an error is told: texts alone, and no longer than is bearable, whatever the error has for its properties. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
}

/** The error that is behind another, such as a handler's behind that of its request; nothing where there is none. Never throws. */
export function thrownBehind(error: unknown): Thrown | undefined {
  try {
    const cause = error instanceof Error ? error.cause : undefined;
    if (!(cause instanceof Error)) return undefined;
    const stack = textOf(() => cause.stack, MAX_STACK);
    const code = textOf(() => (cause as NodeJS.ErrnoException).code, MAX_MESSAGE);
    return {
      name: textOf(() => cause.name, MAX_MESSAGE) ?? 'Error',
      message: textOf(() => cause.message, MAX_MESSAGE) ?? '',
      ...(stack !== undefined && { stack }),
      ...(code !== undefined && { code }),
    };
  } catch {
    return undefined;
  }
}

/** What has `read` throw is no text either. */
function textOf(read: () => unknown, limit: number): string | undefined {
  try {
    const value = read();
    return typeof value === 'string' ? value.slice(0, limit) : undefined;
  } catch {
    return undefined;
  }
}
