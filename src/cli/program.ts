import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addDemo } from './demo.ts';
import { addDoctor } from './doctor.ts';
import { ignoreLostTerminal, reportError, say } from './messages.ts';
import { addProbe } from './probe.ts';
import { addSend } from './send.ts';
import { addServe } from './serve.ts';
import { addStatus } from './status.ts';
import { addStop } from './stop.ts';
import { addTap } from './tap.ts';
import { addTop } from './top.ts';

const EXAMPLES = `
Examples:
  simple-ipc demo                                  try it: a server, and what becomes of each request
  simple-ipc serve ./app.sock                      serve git's test commands: ping, big, chunk, slow, ...
  simple-ipc serve ./app.sock --exec 'sort -u'     answer each request by a command
  simple-ipc serve ./app.sock --module app.js      answer by a handler of your own
  simple-ipc send ./app.sock ping                  ask, and print the answer
  simple-ipc send ./app.sock - < file              send a file, or what a pipe brings
  simple-ipc send ./app.sock ping --start -- simple-ipc serve ./app.sock    start it if need be
  simple-ipc probe ./app.sock && echo up           is anybody there?
  simple-ipc status ./app.sock                     who is it, since when, and how is it?
  simple-ipc top ./app.sock                        watch what it does
  simple-ipc doctor ./app.sock                     why can't I reach it?
  simple-ipc stop ./app.sock                       have it finish what it does, and end
  simple-ipc tap ./tap.sock ./app.sock             pass requests on to a server, and show each

Exit codes: 0 fine, 1 it failed, 2 wrong usage. Messages go to stderr.
`;

/** Runs the command line. Sets the exit code: 0 fine, 1 the operation failed, 2 wrong usage. */
export async function run(argv: readonly string[]): Promise<void> {
  ignoreLostTerminal();
  try {
    await program().parseAsync(argv);
    // Whatever a user's module or a stalled reader of stdout keeps open: the command is over.
    process.exit();
  } catch (error) {
    process.exitCode = await exitCodeOf(error);
    // Help and version may still be on their way through a pipe; nothing else is open.
    if (!(error instanceof CommanderError)) process.exit();
  }
}

function program(): Command {
  const root = new Command('simple-ipc')
    .description("Serve and ask over git's Simple-IPC: one request and one answer, over a local socket.")
    .version(version())
    .exitOverride()
    .configureOutput({ outputError: (text) => say(text.replace(/^error: /u, '').trimEnd()) })
    .addHelpText('after', EXAMPLES);
  addServe(root);
  addSend(root);
  addProbe(root);
  addStatus(root);
  addStop(root);
  addTop(root);
  addDoctor(root);
  addTap(root);
  addDemo(root);
  for (const command of root.commands)
    command.showHelpAfterError(`Run simple-ipc ${command.name()} --help for its usage.`);
  root.showHelpAfterError('Run simple-ipc --help for its commands.');
  return root;
}

async function exitCodeOf(error: unknown): Promise<number> {
  // It has said what there is to say. Without a command its help was an answer to wrong usage.
  if (error instanceof CommanderError) return error.exitCode === 0 && error.code !== 'commander.help' ? 0 : 2;
  return reportError(error);
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
