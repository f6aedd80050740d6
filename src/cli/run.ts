import { exportsByEnvironment } from './exporters.ts';
import { ignoreLostTerminal, reportError } from './messages.ts';

/** Runs the command line, and ends the process: 0 fine, 1 the operation failed, 2 wrong usage. */
export async function run(argv: readonly string[]): Promise<void> {
  ignoreLostTerminal();
  try {
    const plain = plainSend(argv.slice(2));
    if (argv[2] === 'fsmonitor') {
      // It reads its words as git does, and git waits for it.
      if (argv[3] === 'start') (await import('./fsmonitor-prepared.ts')).prepareDaemon();
      const { fsmonitor } = await import('./fsmonitor.ts');
      process.exitCode = await fsmonitor(argv.slice(3));
    } else if (plain === undefined) {
      const { parse } = await import('./program.ts');
      await parse(argv);
    } else {
      const { ask } = await import('./ask.ts');
      await ask(plain.path, plain.message);
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

/**
 * `send PATH [MESSAGE]`, without any option, which is what scripts and prompts run all day: to load the parser and the options
 * for it would take longer than all the rest.
 */
function plainSend(words: readonly string[]): { path: string; message: string | undefined } | undefined {
  const [command, path, message, ...more] = words;
  if (command !== 'send' || path === undefined || more.length > 0) return undefined;
  const isOption = (word: string | undefined) => word?.startsWith('-') === true && word !== '-';
  if (isOption(path) || isOption(message) || path === '-' || exportsByEnvironment()) return undefined;
  return { path, message };
}
