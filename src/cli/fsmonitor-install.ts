import { Command } from 'commander';
import { install as installFor, type Installer, uninstall } from '../apps/fsmonitor/install.ts';
import type { Repository } from '../apps/fsmonitor/repository.ts';
import { status } from '../index.ts';
import { ownProgram } from '../start/own-program.ts';
import { isListening, stopDaemon } from './fsmonitor-client.ts';
import { PROGRAM } from './fsmonitor-program.ts';
import { startDaemon } from './fsmonitor-start.ts';
import { say } from './messages.ts';

interface InstallFlags {
  readonly global?: true;
  readonly undo?: true;
  readonly hook?: true;
}

const NOTES = `
Where git has a client of its own for a daemon (2.55 or newer, on macOS and Windows 2.37) it asks ours; an older one does by a hook.
What was set before is remembered, and --undo puts it back. All can be done again.
`;

/** Has git ask our daemon, or no longer; says what it does, line by line. */
export async function install(words: readonly string[]): Promise<number> {
  const { global, undo, hook } = new Command('simple-ipc fsmonitor install')
    .description('Have git ask this daemon what has changed, in the repository here.')
    .option('--global', 'in all repositories of this user')
    .option('--undo', 'put everything back as it was, and stop the daemon')
    .option('--hook', 'by a hook, also where git has a client of its own')
    .addHelpText('after', NOTES)
    .exitOverride()
    .configureOutput({ outputError: (text) => say(text.replace(/^error: /u, '').trimEnd()) })
    .parse([...words], { from: 'user' })
    .opts<InstallFlags>();
  const options = { global: global === true, hook: hook === true };
  const installer: Installer = {
    command: ownProgram(),
    directory: process.cwd(),
    say,
    listener,
    start: async (repository) =>
      void (await startDaemon(repository, { ipcThreads: undefined, startTimeout: undefined, own: [] })),
    stop: async (repository) => void (await stopDaemon(repository)),
  };
  await (undo === true ? uninstall : installFor)(options, installer);
  return 0;
}

/** git's own says nothing of itself. */
async function listener({ socket }: Repository): Promise<'ours' | 'other' | undefined> {
  if (!(await isListening(socket))) return undefined;
  const program = await status(socket).then(
    (found) => found.program,
    () => undefined,
  );
  return program === PROGRAM ? 'ours' : 'other';
}
