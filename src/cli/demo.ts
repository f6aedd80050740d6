import type { Command } from 'commander';
import { Failure, hasColours, quote, show } from './messages.ts';

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description(
      "Try it: serve git's test commands, send one request, and show what becomes of each that comes.",
    )
    .argument('[PATH]', 'where to put the socket (default: in a private directory)')
    .action(async (path: string | undefined) => {
      process.exitCode = await runDemo(path);
    });
}

async function runDemo(given: string | undefined): Promise<number> {
  const [{ SimpleIpcError, request }, { demo }, { runServer }, { demoPath }, { commandLine }, { liveView }] =
    await Promise.all([
      import('../index.ts'),
      import('../apps/demo/demo.ts'),
      import('./run-server.ts'),
      import('./demo-path.ts'),
      import('./command-line.ts'),
      import('./live-view.ts'),
    ]);
  const path = given ?? demoPath();
  const command = commandLine();
  // A terminal that goes away ends what is shown, not the server.
  process.stdout.on('error', () => undefined);
  const isTerminal = process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';
  const view = liveView({
    width: Math.min(process.stdout.columns || 80, 100),
    unicode: isTerminal,
    colour: hasColours(process.stdout),
  });

  const onListening = async () => {
    show(`\nA first request, "ping", and the states that its connection went through:\n\n`);
    const answer = await (await request(path, 'ping')).text();
    show(`${await view.first}\nIt was answered: ${answer}\n\n${whatToTry(command, path)}\n`);
    view.begin();
  };
  try {
    return await runServer(path, demo, {
      name: 'the demo application',
      options: { onTransition: view.observe },
      onListening,
    });
  } catch (error) {
    if (!(error instanceof SimpleIpcError) || error.code !== 'SIMPLE_IPC_ADDRESS_IN_USE') throw error;
    throw new Failure(
      `${error.message}\n` +
        `  ask it:         ${command} send ${quote(path)} ping\n` +
        `  stop it:        ${command} send ${quote(path)} quit\n` +
        `  use another:    ${command} demo ./demo.sock`,
    );
  }
}

function whatToTry(command: string, path: string): string {
  const examples = [
    ['ping', 'the shortest answer'],
    ['big', '10,000 rows in one piece'],
    ['slow', '1,000 rows, one every 10 ms: stop it halfway'],
    ['quit', 'stops this server'],
  ] as const;
  const lines = examples.map(
    ([message, what]) => `  ${command} send ${quote(path)} ${message.padEnd(6)} # ${what}`,
  );
  return `Type this in a second terminal, in this directory:\n\n${lines.join('\n')}\n\nEach request is shown here until you press Ctrl-C:\n`;
}
