import { type Command, InvalidArgumentError } from 'commander';
import type { Summary } from '../index.ts';
import { milliseconds } from './arguments.ts';
import { quote, reasonOf, say } from './messages.ts';
import { writeOut } from './stdout.ts';
import type { TopServer } from './top-view.ts';

/** Faster than this is for no eye, and costs the server more than it tells. In milliseconds. */
const SHORTEST = 100;

interface TopFlags {
  readonly interval?: number;
}

/** What there is to see of a server. */
export interface TopSource {
  status(path: string): Promise<TopServer>;
  watch(path: string, options: { interval: number; signal: AbortSignal }): AsyncIterable<Summary>;
}

const NOTES = `
On a terminal the view is drawn in place; q or Ctrl-C ends it. In a pipe, stdout has one line of JSON each interval.
Latency is from a request's first byte to the end of its connection. "waiting" is for a free slot (serve --concurrency).
`;

/** `load`: where the figures come from; from the server's control endpoint, unless it is told. */
export function addTop(program: Command, load: () => Promise<TopSource> = controlEndpoint): void {
  program
    .command('top')
    .description(
      'Watch the server at PATH: requests a second, latency, connections, and the slowest requests.',
    )
    .argument('<PATH>', 'the socket')
    .option('--interval <MS>', `how often, from ${SHORTEST} on (default: 1000)`, intervalOf)
    .addHelpText('after', NOTES)
    .action(async (path: string, { interval = 1_000 }: TopFlags) => {
      const source = await load();
      process.exitCode = await top(path, interval, source);
    });
}

/** Shows what a part of the summaries it is given. */
interface View {
  show(summary: Summary): void | Promise<void>;
  /** From now on they are of another server, which has taken the path over. */
  succeeded(server: TopServer): void;
  close(): void;
}

async function top(path: string, interval: number, source: TopSource): Promise<number> {
  const stop = new AbortController();
  let received: NodeJS.Signals | undefined;
  const quit = (signal?: NodeJS.Signals) => {
    received = signal;
    stop.abort();
  };
  const view = await openView(path, source, quit);
  let farewell: string | undefined;
  try {
    const { signal } = stop;
    const watch = () => follow(source.watch(path, { interval, signal }), view, signal);
    let ending = await watch();
    while (ending?.reason === 'handed-over') {
      const successor = unlessAborted(source.status(path), signal);
      ending = await followSuccessor(successor, view, watch, signal);
    }
    farewell = ending && farewellOf(path, ending);
  } finally {
    view.close();
  }
  // Who is told to end is seen to end by that.
  if (received === 'SIGTERM' || received === 'SIGHUP') process.kill(process.pid, received);
  if (farewell !== undefined) say(farewell);
  return 0;
}

async function openView(
  path: string,
  source: TopSource,
  quit: (signal?: NodeJS.Signals) => void,
): Promise<View> {
  const succeeded = ({ pid }: TopServer) =>
    say(`The server at ${quote(path)} has handed its path over: this is the other now (pid ${pid}).`);
  const lines = (lineOf: (summary: Summary) => string): View => ({
    show: (summary) => writeOut(`${lineOf(summary)}\n`),
    succeeded,
    close: () => undefined,
  });
  if (process.stdout.isTTY !== true) return lines((summary) => JSON.stringify(summary));
  const { drawTop, lineOfTop } = await import('./top-view.ts');
  if ((process.env['TERM'] ?? 'dumb') === 'dumb' && process.platform !== 'win32') return lines(lineOfTop);
  const [{ History }, { openScreen }] = await Promise.all([
    import('./top-history.ts'),
    import('./top-screen.ts'),
  ]);
  let server = await source.status(path);
  let history = new History();
  const screen = openScreen((look) => drawTop(server, history, look), quit);
  screen.redraw();
  return {
    show(summary) {
      history.add(summary);
      screen.redraw();
    },
    succeeded(other) {
      server = other;
      history = new History();
      screen.redraw();
    },
    close: () => screen.close(),
  };
}

/** How a server has ended. `killed`: in the middle of it. `lost-sight`: it has handed its path over, to one that cannot be watched. */
interface Ending {
  readonly reason: NonNullable<Summary['end']>['reason'] | 'killed' | 'lost-sight' | 'unknown';
  /** Why it failed, or cannot be watched. */
  readonly error?: string;
}

/** Shows each summary. Resolves when there are no more, and says why; it says nothing where the user has had enough. */
async function follow(
  summaries: AsyncIterable<Summary>,
  view: View,
  signal: AbortSignal,
): Promise<Ending | undefined> {
  let last: Summary | undefined;
  try {
    for await (const summary of summaries) {
      last = summary;
      await view.show(summary);
    }
  } catch (error) {
    if (signal.aborted) return undefined;
    if (last === undefined || !(await isHangUp(error))) throw error;
    return { reason: 'killed' };
  }
  return signal.aborted ? undefined : (last?.end ?? { reason: 'unknown' });
}

/** As `follow`, for the server that has taken the path over. */
async function followSuccessor(
  successor: Promise<TopServer | undefined>,
  view: View,
  watch: () => Promise<Ending | undefined>,
  signal: AbortSignal,
): Promise<Ending | undefined> {
  try {
    const server = await successor;
    if (server === undefined) return undefined;
    view.succeeded(server);
    return await watch();
  } catch (error) {
    return signal.aborted ? undefined : { reason: 'lost-sight', error: reasonOf(error) };
  }
}

/** What is promised, or nothing as soon as the signal aborts. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  return Promise.race([promise, aborted]);
}

/** The server has gone in the middle of it. */
async function isHangUp(error: unknown): Promise<boolean> {
  const { SimpleIpcError } = await import('../index.ts');
  return error instanceof SimpleIpcError && error.code === 'SIMPLE_IPC_HUNG_UP';
}

function farewellOf(path: string, { reason, error }: Ending): string {
  const server = `The server at ${quote(path)}`;
  switch (reason) {
    case 'unknown':
      return `${server} has ended.`;
    case 'killed':
      return `${server} is gone, and did not say why: it was killed, or it crashed.`;
    case 'closed':
      return `${server} has been stopped.`;
    case 'quit':
      return `${server} has ended: a request told it to.`;
    case 'idle':
      return `${server} has ended: nobody had connected for so long.`;
    case 'handed-over':
    case 'lost-sight':
      return `${server} has handed its path over, and ended. The other one cannot be watched: ${error ?? 'no reason is known.'}`;
    case 'path-lost':
      return `${server} has ended: its socket was replaced or deleted.`;
    case 'failed':
      return `${server} has failed: ${error ?? 'no reason is known.'}`;
  }
}

function intervalOf(text: string): number {
  const interval = milliseconds(text);
  if (interval >= SHORTEST) return interval;
  throw new InvalidArgumentError(`Give at least ${SHORTEST} milliseconds.`);
}

async function controlEndpoint(): Promise<TopSource> {
  const { status, watch } = await import('../index.ts');
  return { status, watch };
}
