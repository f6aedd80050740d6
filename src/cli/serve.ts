import { Option, type Command } from 'commander';
import type { ServeOptions } from '../index.ts';
import { bytes, count, milliseconds } from './arguments.ts';
import { chooseHandler, type HandlerFlags } from './handler.ts';
import { addTraceOptions, type TraceFlags } from './tracing.ts';

type ServeFlags = HandlerFlags &
  TraceFlags &
  Pick<
    ServeOptions,
    | 'concurrency'
    | 'maxConnections'
    | 'window'
    | 'maxRequestBytes'
    | 'readTimeout'
    | 'writeTimeout'
    | 'drainTimeout'
    | 'interpreted'
  > & { readonly events?: string };

const NOTES = `
CMD gets the request on its stdin and answers on its stdout, in a process group of its own. An exit code other than 0
fails the request. FILE of --module exports a handler: (request, { signal }) => answer, as default or as handler;
and for traces, if it likes, classify: (bytes) => what the request asks for.
SIGINT and SIGTERM drain: the path is given up, and running requests finish. A second one aborts them, a third ends all.
Exit code 0: it was stopped or quit, and every request it had was finished.
`;

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('Serve at PATH until it is stopped.')
    .argument('<PATH>', 'where to put the socket')
    .addOption(
      new Option('--app <NAME>', 'a built-in application (default: demo)')
        .choices(['demo'])
        .conflicts(['exec', 'module']),
    )
    .addOption(
      new Option('--exec <CMD>', 'answer each request by a shell command').conflicts(['app', 'module']),
    )
    .addOption(new Option('--module <FILE>', "answer by a module's handler").conflicts(['app', 'exec']))
    .option('--concurrency <N>', 'handlers at once; the others wait (default: 256)', count)
    .option('--max-connections <N>', 'connections at once; the newest is refused (default: 10000)', count)
    .option('--window <BYTES>', 'of a request, held before its handler reads (default: 1048576)', count)
    .option('--max-request-bytes <N>', 'refuse a longer request (default: Infinity)', bytes)
    .option('--read-timeout <MS>', 'end a client that should send; 0: never (default: 60000)', milliseconds)
    .option('--write-timeout <MS>', 'end a client that should read; 0: never (default: 60000)', milliseconds)
    .option('--drain-timeout <MS>', 'how long running requests may go on (default: 10000)', milliseconds)
    .option('--interpreted', 'run the statecharts by their interpreter, not compiled')
    .option('--events <FILE>', 'add every transition to FILE as a line of JSON; -: to stdout');
  addTraceOptions(command)
    .addHelpText('after', NOTES)
    .action(async (path: string, flags: ServeFlags) => {
      process.exitCode = await serveAt(path, flags);
    });
}

async function serveAt(path: string, flags: ServeFlags): Promise<number> {
  const { app, exec, module, events, trace, sample, keepSlowerThan, serviceName, ...options } = flags;
  const { handler, name, classify } = await chooseHandler({ app, exec, module });
  const [{ runServer }, { startObserving }] = await Promise.all([
    import('./run-server.ts'),
    import('./observing.ts'),
  ]);
  const observing = await startObserving(
    { events, trace, sample, keepSlowerThan, serviceName },
    classify === undefined ? {} : { classify },
  );
  try {
    return await runServer(path, handler, { name, options: { ...options, ...observing.options } });
  } finally {
    await observing.close();
  }
}
