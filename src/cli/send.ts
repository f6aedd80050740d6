import type { SpanContext } from '@opentelemetry/api';
import { InvalidArgumentError, type Command } from 'commander';
import type { ExpectedServer, RequestOptions } from '../index.ts';
import { milliseconds, optionalMilliseconds } from './arguments.ts';
import { ask, startedBy } from './ask.ts';
import { Failure, say } from './messages.ts';
import {
  addPropagateOption,
  addTraceOptions,
  startTracing,
  tellingSpans,
  type TraceFlags,
  traceLink,
  webAddress,
} from './tracing.ts';

interface SendFlags extends TraceFlags {
  readonly timeout?: number;
  readonly deadline?: number;
  readonly waitIfBusy?: true | number;
  readonly waitIfMissing?: true | number;
  readonly whole?: true;
  readonly allowUntrusted?: true;
  readonly propagate?: true;
  readonly jaeger: string;
  readonly idempotent?: true;
  readonly start?: true;
  readonly startTimeout?: number;
  readonly startLog?: string;
  readonly startCwd?: string;
  readonly expect?: ExpectedServer;
  readonly replace?: true;
}

const JAEGER = 'http://127.0.0.1:16686';

const NOTES = `
The answer's bytes are printed as they come, exactly. Exit code 0 alone says that they are the whole answer.
Without MESSAGE the request is empty. A MESSAGE that begins with a dash goes after --; one that is a dash: printf - | ... -

With --start, COMMAND is the server to be started if none listens at PATH; any number of clients start one. It runs in / unless
said, without a terminal, and goes on when this is over; what it prints is added to PATH.log. Where COMMAND names PATH as it
stands here, it gets the absolute path; other files in it must be absolute.
`;

export function addSend(program: Command): void {
  const command = program
    .command('send')
    .usage('[options] <PATH> [MESSAGE] [--start -- COMMAND...]')
    .description('Send one request to the server at PATH, and print its answer on stdout.')
    .argument('<PATH>', 'the socket')
    .argument('[MESSAGE]', 'the request; - sends what comes on stdin')
    .option(
      '--timeout <MS>',
      'give up after so long without progress; 0: never (default: 60000)',
      milliseconds,
    )
    .option('--deadline <MS>', 'give up after so long in all; 0: never (default: 0)', milliseconds)
    .option(
      '--wait-if-busy [MS]',
      'try again while the server is busy (1000 unless said)',
      optionalMilliseconds,
    )
    .option(
      '--wait-if-missing [MS]',
      'try again while there is no server (1000 unless said)',
      optionalMilliseconds,
    )
    .option('--whole', 'print nothing until the answer is complete; it is held in memory')
    .option('--allow-untrusted', 'ask although others may be behind the socket, or could replace it')
    .option('--idempotent', 'ask again, up to 3 times, when it is cut off: the server may have acted on it')
    .option('--start', 'if no server listens, start one by the COMMAND at the end of the line, behind --')
    .option('--start-timeout <MS>', 'how long it may take until it listens (default: 10000)', milliseconds)
    .option('--start-log <FILE>', 'where its output goes (default: PATH.log)')
    .option('--start-cwd <DIR>', 'the directory that it runs in (default: /)');
  const commandToStart = splitStart(command);
  command
    .option(
      '--expect <NAME[@RANGE]>',
      'ask only that program, in that range of versions, such as app@^1.4',
      expected,
    )
    .option('--replace', 'with --expect and --start: end a server of that program in another version first');
  addPropagateOption(addTraceOptions(command))
    .option('--jaeger <URL>', "where Jaeger's pages are, for the link of the trace", webAddress, JAEGER)
    .addHelpText('after', NOTES)
    .action(async (path: string, message: string | undefined, flags: SendFlags) => {
      await send(path, message, flags, await startOptions(path, flags, commandToStart()));
    });
}

async function send(
  path: string,
  message: string | undefined,
  { whole, trace, sample, keepSlowerThan, serviceName, propagate, jaeger, ...flags }: SendFlags,
  start: RequestOptions['start'],
): Promise<void> {
  const { timeout, deadline, waitIfBusy, waitIfMissing, allowUntrusted, idempotent } = flags;
  const expect = expectedServer(flags);
  const tracing = await startTracing(
    { trace, sample, keepSlowerThan, serviceName },
    propagate === true ? { propagate } : {},
  );
  let span: SpanContext | undefined;
  const telemetry = tracing && tellingSpans(tracing.telemetry, (context) => (span = context));
  const given = {
    timeout,
    deadline,
    waitIfBusy,
    waitIfMissing,
    allowUntrusted,
    idempotent,
    expect,
    start,
    telemetry,
  };
  const options = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as RequestOptions;
  try {
    await ask(path, message, options, whole === true);
  } finally {
    await tracing?.close();
    if (span !== undefined && (tracing?.exported() ?? 0) > 0) say(`Trace: ${traceLink(jaeger, span)}`);
  }
}

/**
 * Keeps what stands behind `--` from the parser where `--start` stands before it: there it is a command with options of its
 * own. Gives what gives it.
 */
function splitStart(command: Command): () => readonly string[] | undefined {
  const parse = command.parseOptions.bind(command);
  let behind: readonly string[] | undefined;
  command.parseOptions = (args) => {
    const at = args.indexOf('--');
    if (at === -1 || !args.slice(0, at).includes('--start')) return parse(args);
    behind = args.slice(at + 1);
    return parse(args.slice(0, at));
  };
  return () => behind;
}

async function startOptions(
  path: string,
  { start, startTimeout, startLog, startCwd }: SendFlags,
  behind: readonly string[] | undefined,
): Promise<RequestOptions['start']> {
  if (start === undefined) {
    if ([startTimeout, startLog, startCwd].every((flag) => flag === undefined)) return undefined;
    throw new Failure(
      '--start-timeout, --start-log and --start-cwd are about a server to start: add --start.',
      2,
    );
  }
  if (behind === undefined || behind.length === 0) {
    throw new Failure(
      '--start needs the command of the server at the end of the line: --start -- COMMAND...',
      2,
    );
  }
  return {
    command: await startedBy(path, behind),
    ...(startTimeout === undefined ? undefined : { timeout: startTimeout }),
    ...(startLog === undefined ? undefined : { log: startLog }),
    ...(startCwd === undefined ? undefined : { cwd: startCwd }),
  };
}

/** `NAME`, or `NAME@RANGE`. The name of a package may begin with an at sign. */
function expected(text: string): ExpectedServer {
  const at = text.indexOf('@', 1);
  const [program, version] = at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  if (program === '' || (at !== -1 && version === ''))
    throw new InvalidArgumentError(
      'Give the name of a program, and a range of versions if need be: app@^1.4',
    );
  return { program, ...(version === '' ? undefined : { version }) };
}

function expectedServer({
  expect,
  replace,
  start,
}: Pick<SendFlags, 'expect' | 'replace' | 'start'>): ExpectedServer | undefined {
  if (replace === undefined) return expect;
  if (expect === undefined || start === undefined)
    throw new Failure('--replace needs to know what for, and by what: add --expect and --start.', 2);
  return { ...expect, replace };
}
