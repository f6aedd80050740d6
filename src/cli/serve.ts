import { Option, type Command } from 'commander';
import type { ServeOptions } from '../index.ts';
import type { Notify } from '../system/notify.ts';
import { bytes, count, milliseconds, seconds, shellCommand } from './arguments.ts';
import { chooseHandler, type HandlerFlags } from './handler.ts';
import {
  addDetachOptions,
  detach,
  type DetachFlags,
  detachOptions,
  sameCommand,
  wantsDetached,
} from './detach.ts';
import { Failure } from './messages.ts';
import { addTraceOptions, type TraceFlags } from './tracing.ts';

type ServeFlags = HandlerFlags &
  TraceFlags &
  DetachFlags &
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
    | 'takeover'
    | 'program'
  > & {
    readonly events?: string;
    readonly idleExit?: number;
    readonly programVersion?: string;
    readonly control: boolean;
  };

const NOTES = `
CMD gets the request on its stdin and answers on its stdout, in a process group of its own. An exit code other than 0
fails the request. FILE of --module exports a handler: (request, { signal }) => answer, as default or as handler;
and for traces, if it likes, classify: (bytes) => what the request asks for.
PATH may be left out where a service manager hands a socket in, which is then used as it is.
SIGINT, SIGTERM and SIGHUP drain, and so does simple-ipc stop PATH: the path is given up, and running requests finish. A second one aborts them, a third ends all.
Exit code 0: it was stopped or quit, and every request it had was finished.
`;

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('Serve at PATH until it is stopped.')
    .argument('[PATH]', 'where to put the socket')
    .addOption(
      new Option('--app <NAME>', 'a built-in application (default: demo)')
        .choices(['demo'])
        .conflicts(['exec', 'module']),
    )
    .addOption(
      new Option('--exec <CMD>', 'answer each request by a shell command')
        .argParser(shellCommand)
        .conflicts(['app', 'module']),
    )
    .addOption(new Option('--module <FILE>', "answer by a module's handler").conflicts(['app', 'exec']))
    .option('--concurrency <N>', 'handlers at once; the others wait (default: 256)', count)
    .option('--max-connections <N>', 'connections at once; the newest is refused (default: 10000)', count)
    .option('--window <BYTES>', 'of a request, held before its handler reads (default: 1048576)', count)
    .option('--max-request-bytes <N>', 'refuse a longer request (default: Infinity)', bytes)
    .option('--read-timeout <MS>', 'end a client that should send; 0: never (default: 60000)', milliseconds)
    .option('--write-timeout <MS>', 'end a client that should read; 0: never (default: 60000)', milliseconds)
    .option('--drain-timeout <MS>', 'how long running requests may go on (default: 10000)', milliseconds)
    .option('--idle-exit <SECONDS>', 'end when no connection was open for so long', seconds)
    .option('--takeover', 'take the path from the server that listens there, without a gap')
    .option('--program <NAME>', 'what status calls it, and clients may expect (default: simple-ipc)')
    .option('--program-version <VERSION>', 'which one it is (default: that of simple-ipc)')
    .option('--no-control', 'open no control endpoint: no status of its own, stop, top or quick takeover')
    .option('--interpreted', 'run the statecharts by their interpreter, not compiled')
    .option('--events <FILE>', 'add every transition to FILE as a line of JSON; -: to stdout');
  addTraceOptions(addDetachOptions(command))
    .addHelpText('after', NOTES)
    .action(async (given: string | undefined, flags: ServeFlags) => {
      // Before anything else runs that could take what the service manager said for its own.
      const manager = await startedBy(given);
      process.exitCode = wantsDetached(flags)
        ? await detached(manager, command, flags)
        : await serveAt(manager, flags);
    });
}

/** Who has started this command, and what that one wants to know. */
interface Manager {
  readonly path: string;
  /** The socket that it has handed in. */
  readonly fd: number | undefined;
  readonly notify: Notify;
}

/** Nothing is loaded where no service manager has said anything. */
async function startedBy(given: string | undefined): Promise<Manager> {
  const { LISTEN_PID, NOTIFY_SOCKET } = process.env;
  const inherited =
    LISTEN_PID === undefined ? undefined : (await import('../system/listen-fds.ts')).inheritedSocket(given);
  const notify: Notify =
    NOTIFY_SOCKET === undefined ? async () => undefined : (await import('../system/notify.ts')).notifier();
  const path = inherited?.path ?? given;
  if (path === undefined)
    throw new Failure('serve needs a PATH: no service manager has handed a socket in.', 2);
  return { path, fd: inherited?.fd, notify };
}

async function detached({ path, fd }: Manager, command: Command, flags: DetachFlags): Promise<number> {
  if (fd !== undefined)
    throw new Failure('--detach and a socket that a service manager has handed in do not go together.', 2);
  return detach(path, sameCommand(command, path), detachOptions(flags));
}

async function serveAt({ path, fd, notify }: Manager, flags: ServeFlags): Promise<number> {
  const { app, exec, module, events, trace, sample, keepSlowerThan, serviceName, ...more } = flags;
  const { idleExit, programVersion, ...options } = more;
  const { handler, name, classify } = await chooseHandler({ app, exec, module });
  const [{ runServer }, { startObserving }, { VERSION }] = await Promise.all([
    import('./run-server.ts'),
    import('./observing.ts'),
    import('../version.ts'),
  ]);
  const observing = await startObserving(
    { events, trace, sample, keepSlowerThan, serviceName },
    classify === undefined ? {} : { classify },
  );
  const identity =
    options.program === undefined
      ? { program: 'simple-ipc', version: programVersion ?? VERSION }
      : programVersion === undefined
        ? undefined
        : { version: programVersion };
  try {
    return await runServer(path, handler, {
      name,
      notify,
      options: {
        ...options,
        ...identity,
        ...(idleExit === undefined ? undefined : { idleTimeout: idleExit * 1000 }),
        ...(fd === undefined ? undefined : { fd }),
        ...observing.options,
      },
    });
  } finally {
    await observing.close();
  }
}
