import { OTHER } from './conventions.ts';
import { messageOf } from './problems.ts';

/**
 * Says what a request asks for: its `rpc.method`. It is given what has come of the request when its handler is about to
 * start: all of it, unless it came in several pieces, when it is the first. Nothing, for what it does not know.
 * It is on the way of every request that is observed, so it should be quick; and it must name few methods, never what a
 * client made up.
 */
export type Classify = (head: Uint8Array) => string | undefined;

/** How many methods are told apart. Each makes a series of metrics, so what a client sends must not make more. */
export const MAX_METHODS = 100;

/** The longest name of a method, in characters. */
const MAX_NAME = 64;

/**
 * What a request asks for, by what there is of it. `handled`: it came to its handler; of others there may be nothing left,
 * and the classifier is asked only where there is.
 */
export type MethodOf = (head: () => Uint8Array, handled?: boolean) => string | undefined;

/** Bounds a classifier: `_OTHER` stands for what it does not know, for too many names, and where it throws. */
export function boundedClassifier(
  classify: Classify | undefined,
  onProblem: (message: string) => void,
): MethodOf {
  if (classify === undefined) return () => undefined;
  const known = new Set<string>();
  let told = false;
  const problem = (message: string) => {
    if (!told) onProblem(message);
    told = true;
    return OTHER;
  };
  return (head, handled = true) => {
    let name: unknown;
    let later: boolean;
    try {
      const bytes = head();
      if (!handled && bytes.length === 0) return OTHER;
      name = classify(bytes);
      later = isThenable(name);
    } catch (error) {
      return problem(`classify threw (${messageOf(error)}): such requests are recorded as ${OTHER}.`);
    }
    if (later) {
      // Nobody waits for it, and what it is rejected with must not end the process.
      Promise.resolve(name).catch(() => {});
      return problem(`classify must not be asynchronous: such requests are recorded as ${OTHER}.`);
    }
    if (name === undefined || name === OTHER) return OTHER;
    if (typeof name === 'string' && known.has(name)) return name;
    if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) {
      return problem(
        `classify gave no name of 1 to ${MAX_NAME} characters: such requests are recorded as ${OTHER}.`,
      );
    }
    if (known.size >= MAX_METHODS) {
      return problem(
        `classify has named more than ${MAX_METHODS} methods: the rest are recorded as ${OTHER}. Name kinds of requests, not what is in them.`,
      );
    }
    known.add(name);
    return name;
  };
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
