import type { Command } from 'commander';
import { milliseconds } from './arguments.ts';
import { say } from './messages.ts';
import { writeOut } from './stdout.ts';

interface ProbeFlags {
  readonly json?: true;
  readonly timeout?: number;
}

export function addProbe(program: Command): void {
  program
    .command('probe')
    .description(
      "Say whether a server listens at PATH: its state, in git's words, on stdout. Exit code 0: it does.",
    )
    .argument('<PATH>', 'the socket')
    .option('--json', 'print an object with path, state, cause and errno')
    .option('--timeout <MS>', 'how long to wait for it (default: 1000)', milliseconds)
    .action(async (path: string, flags: ProbeFlags) => {
      process.exitCode = await probePath(path, flags);
    });
}

async function probePath(path: string, { json, ...options }: ProbeFlags): Promise<number> {
  const { probe } = await import('../index.ts');
  const result = await probe(path, options);
  await writeOut(json === true ? `${JSON.stringify({ path, ...result })}\n` : `${result.state}\n`);
  if (result.state === 'listening') return 0;
  say(result.cause);
  return 1;
}
