import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Handler } from '../index.ts';
import type { Classify } from '../telemetry/classify.ts';
import { Failure, quote, reasonOf } from './messages.ts';

/** What answers the requests; at most one of them is given. */
export interface HandlerFlags {
  readonly app?: 'demo' | undefined;
  readonly exec?: string | undefined;
  readonly module?: string | undefined;
}

/** The handler that was asked for, what to call it, and what tells its requests apart in telemetry. */
export interface ChosenHandler {
  readonly handler: Handler;
  readonly name: string;
  readonly classify?: Classify;
}

export async function chooseHandler({ exec, module }: HandlerFlags): Promise<ChosenHandler> {
  if (exec !== undefined) {
    const { execHandler } = await import('../apps/exec/exec.ts');
    return { handler: execHandler(exec), name: `the command ${exec}` };
  }
  if (module !== undefined) return { ...(await handlerOf(module)), name: module };
  const { demo, demoMethod } = await import('../apps/demo/demo.ts');
  return { handler: demo, name: 'the demo application', classify: demoMethod };
}

/** A module's handler: its default export, or the one named `handler`; and its `classify`, if it has one. */
async function handlerOf(file: string): Promise<Omit<ChosenHandler, 'name'>> {
  const url = pathToFileURL(resolve(file)).href;
  let exports: { default?: unknown; handler?: unknown; classify?: unknown };
  try {
    exports = (await import(url)) as typeof exports;
  } catch (error) {
    throw new Failure(`The module ${quote(file)} could not be loaded: ${describe(error, file)}`);
  }
  const handler = [exports.default, exports.handler].find((value) => typeof value === 'function');
  const { classify } = exports;
  if (handler !== undefined)
    return {
      handler: handler as Handler,
      ...(typeof classify === 'function' ? { classify: classify as Classify } : undefined),
    };
  const found =
    Object.entries(exports)
      .map(([key, value]) => `${key}: a ${typeof value}`)
      .join(', ') || 'nothing';
  throw new Failure(
    `The module ${quote(file)} has no handler (it exports ${found}). Have it export a function, as default or as handler: ` +
      "export default (request) => 'answer';",
  );
}

/** What is wrong with a module, and where: its own errors have that in their stack. */
function describe(error: unknown, file: string): string {
  if (error instanceof SyntaxError) return `${String(error)}. To see where: node ${quote(file)}`;
  const isMissing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
  return error instanceof Error && !isMissing ? (error.stack ?? error.message) : reasonOf(error);
}
