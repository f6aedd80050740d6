import { setTimeout as sleep } from 'node:timers/promises';
import { serve, type Handler, type ServeOptions, type Server, type ServerEnd } from '../index.ts';
import type { Notify } from '../system/notify.ts';
import { dateLog, plural, quote, reasonOf, say } from './messages.ts';
import { onStop } from './stop-signals.ts';

/** How long handlers whose requests are over have left to end, in milliseconds: longer than a command of --exec has. */
const PATIENCE = 3_000;

export interface RunOptions {
  /** What answers. */
  readonly name: string;
  readonly options: ServeOptions;
  /** Tells the service manager; gives what kept it from that. */
  readonly notify?: Notify;
  /** Is called when it listens. */
  readonly onListening?: (server: Server) => void | Promise<void>;
}

/** Serves until a signal or `QUIT` stops it, says on stderr what becomes of it, and gives the exit code. */
export async function runServer(
  path: string,
  handler: Handler,
  { name, options, notify, onListening }: RunOptions,
): Promise<number> {
  const tell = (state: 'ready' | 'stopping') =>
    void notify?.(state).then((problem) => problem !== undefined && say(problem));
  const starting = new AbortController();
  let server: Server | undefined;
  let impatient = false;
  const release = onStop({
    first(signal) {
      if (server === undefined) {
        starting.abort(new Error(signal));
        return;
      }
      say(`${signal}: draining; ${stillOpen(server)}. Another one aborts.`);
      tell('stopping');
      void server.close();
    },
    second(signal) {
      impatient = true;
      say(`${signal}: aborting what still runs.`);
      void server?.close({ drainTimeout: 0 });
    },
  });
  try {
    server = await serve(path, handler, { ...options, signal: starting.signal });
    dateLog();
    say(`Listening at ${quote(path)}, answering by ${name}. Ctrl-C stops it.`);
    tell('ready');
    await onListening?.(server);
    const end = await server.closed;
    await handlersEnded(server);
    return report(server, end, impatient);
  } finally {
    release();
  }
}

function stillOpen({ stats: { open, running, waiting } }: Server): string {
  const requests = [running > 0 ? `${running} running` : '', waiting > 0 ? `${waiting} waiting` : ''].filter(
    Boolean,
  );
  if (open === 0) return 'nothing is open';
  const detail = requests.length > 0 ? ` (requests: ${requests.join(', ')})` : '';
  return `still open: ${plural(open, 'connection')}${detail}`;
}

/** A handler may outlive its request, but not for long this process. */
async function handlersEnded(server: Server): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (server.stats.abandoned > 0 && performance.now() < deadline) await sleep(20);
}

const WHY = {
  closed: '',
  quit: ', as a request asked for',
  idle: ', for nobody had come for a while',
  'handed-over': ', which another server has taken over',
} as const;

function report(server: Server, { reason, error }: ServerEnd, impatient: boolean): number {
  const { ended, refused, abandoned } = server.stats;
  const counts = Object.entries({ ...ended, 'over the limit of connections': refused }).filter(
    ([, count]) => count > 0,
  );
  const summary =
    counts.map(([outcome, count]) => `${count} ${outcome}`).join(', ') || 'nobody had connected';
  const path = quote(server.path);
  if (abandoned > 0) say(`${plural(abandoned, 'handler')} still running: aborted signals are ignored there.`);
  switch (reason) {
    case 'closed':
    case 'quit':
    case 'idle':
    case 'handed-over':
      say(`Stopped serving at ${path}${WHY[reason]}: ${summary}.`);
      if (ended.aborted === 0) return 0;
      say(
        `Not every request was finished: ${ended.aborted} aborted${impatient ? ' by the second signal' : ''}.` +
          (impatient ? '' : ' A larger drain time-out (serve --drain-timeout) leaves them more time.'),
      );
      return 1;
    case 'path-lost':
      say(
        `The socket at ${path} was replaced or deleted, so no client reached this server any more: ${summary}.`,
      );
      return 1;
    case 'failed':
      say(`Serving at ${path} failed: ${reasonOf(error)} (${summary}.)`);
      return 1;
  }
}
