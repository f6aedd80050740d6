import type { IpcResponse, Message, RequestOptions } from '../index.ts';
import { Failure, quote, reasonOf } from './messages.ts';
import { onInterrupt } from './stop-signals.ts';
import { writeOut } from './stdout.ts';

// Not imported: that would load all that node:fs can do, which takes longer than the request.
const { fstatSync } = process.getBuiltinModule('node:fs');

/** Sends one request, and prints its answer's bytes as they come, or all at once when it is whole. A signal gives it up. */
export async function ask(
  path: string,
  message: string | undefined,
  options: RequestOptions = {},
  whole = false,
): Promise<void> {
  const { request } = await import('../index.ts');
  const interrupt = new AbortController();
  const interrupted = new Promise<never>((_resolve, reject) => {
    onInterrupt((name) => {
      reject(
        new Failure(`Given up by ${name}: what came of the answer from ${quote(path)} is not all of it.`),
      );
      interrupt.abort();
    });
  });
  const content: Message = message === '-' ? fromStdin() : message;
  const responding = request(path, content, { ...options, signal: interrupt.signal });
  const asked = async () => print(await responding, whole);
  // A stdout that nobody reads must not keep an interrupt waiting. A server that was to be started is ended before.
  try {
    await Promise.race([asked(), interrupted]);
  } finally {
    if (interrupt.signal.aborted) await responding.catch(() => undefined);
  }
}

/** The command of the server at a path, as it can be run in another directory: there the path would be another. */
export async function startedBy(path: string, command: readonly string[]): Promise<readonly string[]> {
  if (!command.includes(path, 1)) return command;
  const { absolutePath } = await import('../start/absolute-path.ts');
  return command.map((word, index) => (index > 0 && word === path ? absolutePath(path) : word));
}

async function print(response: IpcResponse, whole: boolean): Promise<void> {
  if (whole) {
    await writeOut(await response.bytes());
    return;
  }
  for await (const chunk of response) await writeOut(chunk);
}

async function* fromStdin(): AsyncGenerator<Uint8Array, void> {
  try {
    // Node.js shows a directory as a stdin without content, and an empty request is one that is believed.
    if (process.platform !== 'win32' && fstatSync(0).isDirectory()) throw new Error('it is a directory');
    yield* process.stdin;
  } catch (error) {
    throw new Failure(`stdin could not be read (${reasonOf(error)}): the request was not sent whole.`);
  }
}
