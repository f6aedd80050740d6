import type { ExecutionContext } from 'ava';
import { serve, type Handler, type ServeOptions, type Server, type Transition } from '../../src/index.ts';
import { temporaryPath } from './temporary.ts';

/** How long anything in a test may take before it is given up, in milliseconds. Never waited for where all is well. */
export const PATIENCE = 20_000;

/** A server for one test, and what its machines did. */
export interface Serving {
  readonly path: string;
  readonly server: Server;
  readonly transitions: readonly Transition[];
  /** Resolves with the first transition, past or to come, that fits. */
  until(fits: (transition: Transition) => boolean): Promise<Transition>;
  /** Resolves with the last transition of the connection of that number, counted from 1. */
  ended(connection: number): Promise<Transition & { output: { outcome: string; reason?: Error } }>;
}

export async function serving(
  t: ExecutionContext,
  handler: Handler,
  options: ServeOptions = {},
): Promise<Serving> {
  const path = temporaryPath(t);
  const transitions: Transition[] = [];
  const waiting = new Set<(transition: Transition) => void>();
  const server = await serve(path, handler, {
    ...options,
    onTransition: (transition) => {
      transitions.push(transition);
      for (const look of waiting) look(transition);
    },
  });
  t.teardown(() => server.close({ drainTimeout: 0 }));

  const until = (fits: (transition: Transition) => boolean): Promise<Transition> => {
    const past = transitions.find(fits);
    if (past !== undefined) return Promise.resolve(past);
    return within(
      new Promise((resolve) => {
        const look = (transition: Transition) => {
          if (!fits(transition)) return;
          waiting.delete(look);
          resolve(transition);
        };
        waiting.add(look);
      }),
      () =>
        `no such transition among ${transitions.map(({ actor, event, to }) => `${actor} ${event} ${to}`).join(', ')}`,
    );
  };
  const ended: Serving['ended'] = async (connection) =>
    (await until(({ actor, to }) => actor === `c${connection}` && to === 'closed')) as never;
  return { path, server, transitions, until, ended };
}

/** The promise, or an error that says what did not happen. */
export async function within<T>(
  promise: Promise<T>,
  what: string | (() => string),
  time = PATIENCE,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(typeof what === 'string' ? what : what())), time);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when the condition holds; looks at it again at every turn of the event loop. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const until = performance.now() + PATIENCE;
  while (!condition()) {
    if (performance.now() > until) throw new Error(`It did not come to pass: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A promise to be settled from outside. */
export function gate<T = void>(): PromiseWithResolvers<T> {
  return Promise.withResolvers<T>();
}
