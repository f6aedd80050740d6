import type { Command } from 'commander';
import type { Stopped } from '../index.ts';
import { milliseconds } from './arguments.ts';
import { plural, quote, say } from './messages.ts';

interface StopFlags {
  readonly drainTimeout?: number;
  readonly timeout?: number;
  readonly force?: true;
}

const NOTES = `
The server gives its path up, and running requests finish. With --force a process that has not ended by then is killed; but only
if it is proved to be the one that listens, which takes Linux.
Where that server had taken the path over, the one before it may still finish what it has: that is said, and not waited for.
Exit code 0: no server is running at PATH any more.
`;

export function addStop(program: Command): void {
  program
    .command('stop')
    .description('Have the server at PATH finish what it does, and end.')
    .argument('<PATH>', 'the socket')
    .option(
      '--drain-timeout <MS>',
      "how long running requests may go on (default: the server's)",
      milliseconds,
    )
    .option('--timeout <MS>', 'how long to wait for its end; 0: for ever (default: 30000)', milliseconds)
    .option('--force', 'kill it when it has not ended by then')
    .addHelpText('after', NOTES)
    .action(async (path: string, flags: StopFlags) => {
      const { stop } = await import('../index.ts');
      say(whatCame(path, await stop(path, flags)));
    });
}

function whatCame(path: string, stopped: Stopped): string {
  const others = stopped.draining.map((pid) => `pid ${pid}`).join(', ');
  if (others === '') return whatBecame(path, stopped);
  return `${whatBecame(path, stopped)} One that had the path before still finishes what it has (${others}).`;
}

function whatBecame(path: string, { wasRunning, pid, ended, killedBy, aborted }: Stopped): string {
  const at = quote(path);
  if (!wasRunning) {
    return pid === undefined
      ? `No server is running at ${at}.`
      : `No server is running at ${at}; what process ${pid} had left there is removed.`;
  }
  if (killedBy !== undefined) return `Process ${pid}, the server at ${at}, has ended by ${killedBy}.`;
  const how = ended === undefined ? '' : `: ${ended}`;
  return `The server at ${at} (pid ${pid}) has ended${how}${aborted === 0 ? '' : `; ${leftOff(aborted)}`}.`;
}

function leftOff(aborted: number): string {
  return `${plural(aborted, 'request')} ${aborted === 1 ? 'was' : 'were'} aborted`;
}
