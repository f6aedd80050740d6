import type { ExecutionContext } from 'ava';
import { request, serve, type Handler, type ServeOptions, type Server } from '../../src/index.ts';
import { instanceAt } from '../../src/runtime/rendezvous/instances.ts';
import { PATIENCE } from './serving.ts';
import { temporaryPath } from './temporary.ts';

/** A server in this process with a control endpoint. */
export interface Controlled {
  readonly path: string;
  readonly server: Server;
  /** The path of its control socket. */
  readonly control: string;
  /** What its control endpoint says to these words, as they are: an object a line. */
  tell(words: string): Promise<object[]>;
}

export async function controlled(
  t: ExecutionContext,
  handler: Handler = (incoming) => incoming.text(),
  options: ServeOptions = {},
  path: string = temporaryPath(t),
): Promise<Controlled> {
  const server = await serve(path, handler, { control: true, ...options });
  t.teardown(() => server.close({ drainTimeout: 0 }));
  const control = instanceAt(path)!.control!;
  return { path, server, control, tell: (words) => tellControl(control, words) };
}

export async function tellControl(control: string, words: string): Promise<object[]> {
  const text = await (await request(control, words, { deadline: PATIENCE })).text();
  return linesIn(text);
}

/** The objects of lines of JSON. */
export function linesIn(text: string): object[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error(`the last line is not whole: ${JSON.stringify(text.slice(-200))}`);
  return lines.map((line) => JSON.parse(line) as object);
}
