import type { Command } from 'commander';
import { isOnStandby } from '../start/called.ts';
import type { FsmonitorWords } from './fsmonitor-arguments.ts';

/** What each subcommand does, and gives the exit code. Loaded when it is the one that runs. */
const SUBCOMMANDS: { readonly [Name in string]?: () => Promise<Subcommand> } = {
  run: async () => (await import('./fsmonitor-run.ts')).runDaemon,
  start: async () => (await import('./fsmonitor-start.ts')).startDaemon,
  stop: async () => (await import('./fsmonitor-client.ts')).stopDaemon,
  status: async () => (await import('./fsmonitor-client.ts')).showStatus,
};

type Subcommand = (
  repository: import('../apps/fsmonitor/repository.ts').Repository,
  words: FsmonitorWords,
) => Promise<number>;

/** Its words are read as git reads them, and not by the parser of the other commands: here they are only named. */
export function addFsmonitor(program: Command): void {
  program
    .command('fsmonitor')
    .description("Watch a repository's worktree for git, in place of git fsmonitor--daemon.")
    .argument('[WORDS...]', 'run, start, stop, status or install; -h says more')
    .allowUnknownOption()
    .helpOption(false)
    .action(async () => {
      process.exitCode = await fsmonitor(process.argv.slice(3));
    });
}

/** Does what stands behind `fsmonitor`, says what is wrong in git's form, and gives the exit code. */
export async function fsmonitor(words: readonly string[]): Promise<number> {
  try {
    if (words[0] === 'install') return await (await import('./fsmonitor-install.ts')).install(words.slice(1));
    const meant =
      words[0] === 'run' && isOnStandby() ? await (await import('./fsmonitor-standby.ts')).standBy() : words;
    // Nobody is left to be told.
    return meant === undefined ? 1 : await daemon(meant);
  } catch (error) {
    const [{ FsmonitorError }, { FsmonitorUsage }] = await Promise.all([
      import('../apps/fsmonitor/errors.ts'),
      import('./fsmonitor-arguments.ts'),
    ]);
    if (!(error instanceof FsmonitorError || error instanceof FsmonitorUsage)) throw error;
    const stream = error instanceof FsmonitorUsage ? error.stream : 'stderr';
    process[stream].write(error.said);
    return error.exitCode;
  }
}

/** What is wrong is found in git's order: the place, the configuration, the words, what the repository is. */
async function daemon(words: readonly string[]): Promise<number> {
  const [{ checkRepository, discover }, { FsmonitorError }, { parseFsmonitor }] = await Promise.all([
    import('../apps/fsmonitor/repository.ts'),
    import('../apps/fsmonitor/errors.ts'),
    import('./fsmonitor-arguments.ts'),
  ]);
  // Help is there for all.
  if (words.length === 1 && words[0] === '-h') parseFsmonitor(words);
  // What start has found already; the words are its own.
  const handed = words[0] === 'run' ? (await import('./fsmonitor-handed.ts')).takeHanded() : undefined;
  if (handed !== undefined)
    return (await import('./fsmonitor-run.ts')).runDaemon(handed, parseFsmonitor(words));
  // Loaded while git is asked.
  const name = words.find((word) => Object.hasOwn(SUBCOMMANDS, word)) ?? '';
  const [discovered] = await Promise.all([discover(), SUBCOMMANDS[name]?.()]);
  process.stderr.write(discovered.warned);
  const parsed = parseFsmonitor(words);
  const threads = parsed.ipcThreads ?? discovered.config.ipcThreads;
  if (threads < 1) throw new FsmonitorError(`invalid 'ipc-threads' value (${threads})`);
  const repository = await checkRepository(discovered);
  const load = Object.hasOwn(SUBCOMMANDS, parsed.subcommand) ? SUBCOMMANDS[parsed.subcommand] : undefined;
  if (load === undefined) throw new FsmonitorError(`Unhandled subcommand '${parsed.subcommand}'`);
  return (await load())(repository, parsed);
}
