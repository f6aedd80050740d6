import type { Command } from 'commander';
import type { ServeOptions, Transition } from '../index.ts';
import type { TappedRequest } from '../apps/tap/tap.ts';
import type { RequestReport } from '../telemetry/connection-trace.ts';
import { count, milliseconds } from './arguments.ts';
import { Failure, hasColours, quote, say, show } from './messages.ts';
import { addPropagateOption, addTraceOptions, type TraceFlags } from './tracing.ts';

/** The least there is: a request is passed on as it comes, and not kept back until it is whole or has grown long. */
const WINDOW = 1;

/** Most methods are no longer than this. */
const METHOD = 8;

type TapFlags = Pick<ServeOptions, 'concurrency' | 'maxConnections' | 'drainTimeout'> &
  TraceFlags & {
    readonly events?: string;
    readonly allowUntrusted?: true;
    readonly propagate?: true;
  };

const NOTES = `
No byte of a request or an answer is changed; who hangs up on one side is hung up on at the other. stdout has a line for
each connection: when it came, how it ended, how long it took, the first word of the request, the bytes that went in and
came out, and the time in each state. "dispatching" is until the first byte of the upstream's answer. Nothing but the
first word is shown of what is said; a token of git's fsmonitor is shown as "query". What a client sends behind its
request, such as the context of its trace, stays behind: --propagate sends the tap's own.
To tap a server whose clients can't be told another path, move its socket: mv app.sock real.sock; then tap app.sock real.sock.
To undo that: stop the tap, and mv real.sock app.sock.
A server that looks after its socket takes that for a loss and stops within a minute; git's fsmonitor--daemon does.
`;

export function addTap(program: Command): void {
  const command = program
    .command('tap')
    .description('Listen at LISTEN, pass each request on to the server at UPSTREAM, and show it on stdout.')
    .argument('<LISTEN>', 'where to put the socket')
    .argument('<UPSTREAM>', "the server's socket")
    .option('--concurrency <N>', 'requests passed on at once; the others wait (default: 256)', count)
    .option('--max-connections <N>', 'connections at once; the newest is refused (default: 10000)', count)
    .option('--drain-timeout <MS>', 'how long running requests may go on (default: 10000)', milliseconds)
    .option('--events <FILE>', 'add every transition to FILE as a line of JSON; -: to stdout, alone')
    .option('--allow-untrusted', 'tap it although others may be behind the socket, or could replace it');
  addPropagateOption(addTraceOptions(command))
    .addHelpText('after', NOTES)
    .action(async (listen: string, upstream: string, flags: TapFlags) => {
      process.exitCode = await tap(listen, upstream, flags);
    });
}

async function tap(
  listen: string,
  upstream: string,
  { events, allowUntrusted, trace, sample, keepSlowerThan, serviceName, propagate, ...options }: TapFlags,
): Promise<number> {
  const [{ tapHandler }, { methodOf }, { isSameSocket }, { runServer }, { startObserving }] =
    await Promise.all([
      import('../apps/tap/tap.ts'),
      import('../apps/tap/method.ts'),
      import('../apps/tap/same-socket.ts'),
      import('./run-server.ts'),
      import('./observing.ts'),
    ]);
  if (isSameSocket(listen, upstream)) {
    throw new Failure(
      `${quote(listen)} and ${quote(upstream)} are one and the same, and a tap can't pass requests on to itself. ` +
        'Name another path to listen at: tap LISTEN UPSTREAM',
      2,
    );
  }
  await warnIfMissing(upstream);
  // A terminal that goes away ends what is shown, not the tap.
  process.stdout.on('error', () => undefined);
  const lines = events === '-' ? undefined : await requestLines(hasColours(process.stdout));
  const observing = await startObserving(
    { events, trace, sample, keepSlowerThan, serviceName },
    { classify: methodOf, propagate: propagate === true },
    lines === undefined ? [] : [lines.observe],
  );
  const { telemetry } = observing.options;
  try {
    return await runServer(listen, tapHandler(upstream, { allowUntrusted, telemetry, ...lines }), {
      name: `the server at ${quote(upstream)}`,
      options: { ...options, ...observing.options, window: WINDOW },
    });
  } finally {
    await observing.close();
  }
}

async function warnIfMissing(upstream: string): Promise<void> {
  const { probe } = await import('../index.ts');
  const { state, cause } = await probe(upstream);
  if (state !== 'listening') say(`${cause} Requests fail until a server listens at ${quote(upstream)}.`);
}

interface RequestLines {
  readonly observe: (transition: Transition) => void;
  readonly onRequest: (request: TappedRequest) => void;
}

/** Shows each connection as it ends, with what went through of its request. */
async function requestLines(colour: boolean): Promise<RequestLines> {
  const [{ collectRequests }, { requestLine }, { formatMs }] = await Promise.all([
    import('../telemetry/requests.ts'),
    import('./request-line.ts'),
    import('../telemetry/format.ts'),
  ]);
  /** Of open connections: a request begins before its connection ends. */
  const open = new Map<string, TappedRequest>();

  const times = ({ phases }: RequestReport) =>
    phases.map(({ state, ms, waited }) => {
      const wait = waited > 0 ? ` (${formatMs(waited)} for a slot)` : '';
      return `${state} ${formatMs(ms)}${wait}`;
    });
  const observe = collectRequests((report) => {
    const { connection, outcome, startedAt, totalMs } = report;
    const request = open.get(connection);
    open.delete(connection);
    // Why it failed is told on stderr.
    const start = requestLine({ connection, outcome, startedAt, totalMs, phases: [] }, colour);
    const passed =
      request === undefined
        ? '-'.padEnd(METHOD)
        : `${request.method.padEnd(METHOD)} ${request.requestBytes} B in, ${request.responseBytes} B out`;
    show(`${start}${passed}  ${times(report).join(', ')}\n`);
  });
  return { observe, onRequest: (request) => open.set(request.connection, request) };
}
