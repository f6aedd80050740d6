import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.ts';
import { say } from './messages.ts';

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
  simple-ipc fsmonitor install                     in a repository: make its git status faster

Exit codes: 0 fine, 1 it failed, 2 wrong usage. Messages go to stderr.
`;

/** The commands, in the order in which the help has them. Each is loaded when it is the one that runs. */
const COMMANDS: { readonly [Name in string]?: () => Promise<(program: Command) => void> } = {
  serve: async () => (await import('./serve.ts')).addServe,
  send: async () => (await import('./send.ts')).addSend,
  probe: async () => (await import('./probe.ts')).addProbe,
  status: async () => (await import('./status.ts')).addStatus,
  stop: async () => (await import('./stop.ts')).addStop,
  top: async () => (await import('./top.ts')).addTop,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  tap: async () => (await import('./tap.ts')).addTap,
  fsmonitor: async () => (await import('./fsmonitor.ts')).addFsmonitor,
  demo: async () => (await import('./demo.ts')).addDemo,
};

/** Parses the command line and does what it says. Throws an error of the parser as well where it has shown help. */
export async function parse(argv: readonly string[]): Promise<void> {
  await (await program(argv[2])).parseAsync(argv);
}

/** The exit code for what the parser has said; nothing for any other error. */
export function exitCodeOfUsage(error: unknown): number | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  // Without a command its help was an answer to wrong usage.
  return error.exitCode === 0 && error.code !== 'commander.help' ? 0 : 2;
}

/** With the command that is asked for; with all of them where that is none, for the help. */
async function program(name: string | undefined): Promise<Command> {
  const root = new Command('simple-ipc')
    .description("Serve and ask over git's Simple-IPC: one request and one answer, over a local socket.")
    .version(VERSION)
    .exitOverride()
    .configureOutput({ outputError: (text) => say(text.replace(/^error: /u, '').trimEnd()) })
    .addHelpText('after', EXAMPLES);
  const wanted = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name as string] : undefined;
  for (const load of wanted === undefined ? Object.values(COMMANDS) : [wanted]) (await load?.())?.(root);
  for (const command of root.commands)
    command.showHelpAfterError(`Run simple-ipc ${command.name()} --help for its usage.`);
  root.showHelpAfterError('Run simple-ipc --help for its commands.');
  return root;
}
