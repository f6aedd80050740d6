// Stands in for a service manager: is told by services how they are.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { program } from '../support/peers.ts';
import { within } from '../support/serving.ts';

/** Node.js has no Unix datagram sockets, and socat keeps the descriptor that comes with a BARRIER=1. */
export const perl = program('perl', 'perl-base');

const MANAGER = String.raw`
  use Socket;
  $| = 1;
  my $name = shift;
  $name =~ s/^@/\0/;
  socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
  bind($socket, pack_sockaddr_un($name)) or die $!;
  print "bound\n";
  while (defined recv($socket, my $message, 65536, 0)) {
    $message =~ s/\n/|/g;
    print "$message\n";
  }
`;

/** Receives what services tell; a line break of a message is a `|`. */
export async function manager(t: ExecutionContext, address: string): Promise<() => Promise<string>> {
  const child = spawn('perl', ['-e', MANAGER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value } = (await within(lines.next(), 'nothing was told')) as { value: string };
    return value;
  };
  t.is(await next(), 'bound');
  return next;
}
