import type { Writable } from 'node:stream';
import type { Handler, IpcRequest } from '../../index.ts';
import { ShellCommand } from './shell-command.ts';

/**
 * A handler that runs `command` by the shell, once a request: the request on its stdin, which it may leave unread, its
 * stdout as the answer, its stderr where this process has its own. A command that ends with anything but exit code 0
 * fails the request: the client sees an error, and not an answer that merely looks whole.
 *
 * When the request is aborted, the command's process group gets SIGTERM, and what is left of it 2 seconds later SIGKILL,
 * or when this process ends. The handler is over when the shell has ended. On Windows there are no process groups: the shell is ended, and what it
 * started is left to itself.
 */
export function execHandler(command: string): Handler {
  return async function* run(request, { signal }) {
    const running = new ShellCommand(command);
    const stop = () => void running.stop();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      await running.started;
      void feed(request, running.stdin);
      for await (const chunk of running.stdout) yield chunk as Buffer;
      await running.succeeded();
    } finally {
      signal.removeEventListener('abort', stop);
      await running.stop();
    }
  };
}

/** Streams the request to the command's stdin. Never rejects: what cuts the request off aborts the signal, too. */
async function feed(request: IpcRequest, stdin: Writable): Promise<void> {
  let closed = false;
  // EPIPE: the command does not read, and need not. The rest of the request is drained.
  stdin.on('error', () => undefined).once('close', () => (closed = true));
  try {
    for await (const chunk of request) {
      if (closed) return;
      if (!stdin.write(chunk)) await drained(stdin);
    }
    stdin.end();
  } catch {
    // Half a request must not look like a whole one: its stdin stays open until the command was told to end.
  }
}

/** Resolves when more may be written, or nothing any more. */
function drained(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stdin.off('drain', done).off('close', done);
      resolve();
    };
    stdin.on('drain', done).on('close', done);
  });
}
