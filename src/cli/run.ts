import { exportsByEnvironment } from './exporters.ts';
import { ignoreLostTerminal, reportError } from './messages.ts';

/** Runs the command line, and ends the process: 0 fine, 1 the operation failed, 2 wrong usage. */
export async function run(argv: readonly string[]): Promise<void> {
  const plain = plainSend(argv.slice(2));
  // Node.js takes 2 ms to make process.stderr, and such a request has no use for it unless it fails.
  if (plain === undefined) ignoreLostTerminal();
  try {
    if (argv[2] === 'fsmonitor') {
      // It reads its words as git does, and git waits for it.
      if (argv[3] === 'start') (await import('./fsmonitor-prepared.ts')).prepareDaemon();
      const { fsmonitor } = await import('./fsmonitor.ts');
      process.exitCode = await fsmonitor(argv.slice(3));
    } else if (plain === undefined) {
      const { parse } = await import('./program.ts');
      await parse(argv);
    } else {
      const { ask, startedBy } = await import('./ask.ts');
      const { path, message, command } = plain;
      await ask(path, message, command && { start: await startedBy(path, command) });
    }
    // Whatever a user's module or a stalled reader of stdout keeps open: the command is over.
    process.exit();
  } catch (error) {
    const { exitCodeOfUsage } = await import('./program.ts');
    const usage = exitCodeOfUsage(error);
    process.exitCode = usage ?? (await reportError(error));
    // Help and version may still be on their way through a pipe; nothing else is open.
    if (usage === undefined) process.exit();
  }
}

/** The words of a `send` without options, but perhaps `--start`. */
interface PlainSend {
  readonly path: string;
  readonly message: string | undefined;
  /** What starts the server. */
  readonly command: readonly string[] | undefined;
}

/**
 * `send PATH [MESSAGE]` and `send PATH [MESSAGE] --start -- COMMAND...`, which is what scripts and prompts run all day: to load
 * the parser and the options for it would take as long as the request. Nothing where there is anything else among the words.
 */
function plainSend([command, ...words]: readonly string[]): PlainSend | undefined {
  if (command !== 'send' || exportsByEnvironment()) return undefined;
  const end = words.indexOf('--');
  const before = end === -1 ? words : words.slice(0, end);
  const behind = end === -1 ? [] : words.slice(end + 1);
  const own = before.filter((word) => word !== '--start');
  const starts = own.length < before.length;
  // Both, or neither.
  if (starts !== behind.length > 0) return undefined;
  const [path, message, ...more] = own;
  if (path === undefined || path.startsWith('-') || more.length > 0) return undefined;
  if (message?.startsWith('-') === true && message !== '-') return undefined;
  return { path, message, command: starts ? behind : undefined };
}
