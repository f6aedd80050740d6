/** Named pipes, run for real: the built package under Node.js for Windows. What happens there is in scenarios/. */
import test from 'ava';
import { peerTest } from '../support/peers.ts';
import { makeWindows, wine, type Windows } from './wine.ts';

let windows: Windows | undefined;
test.after.always(() => windows?.remove());

const onWindows = peerTest(wine);
const SCENARIOS: Readonly<Record<string, string>> = {
  'one-process': 'a server and its clients in one process: answers, failures, an end, a successor',
  'two-processes': 'a server in another process, until it is told to QUIT',
  'long-messages': '64 MiB each way, every byte where it was',
  streams: '64 MiB each way at once, in pieces, through a window',
  'many-clients': '200 clients at once',
  'blocking-client': 'a client that uses blocking calls, as a program in C does',
  'hang-up': "a client that hangs up or is ended aborts its handler's signal",
  'half-close': 'a half-close is a hang-up a little later',
  'stopped-clients':
    'clients that stop in the middle: they are timed out or cleared away, and others are served',
  missing: 'where nobody listens',
  names: "a path's pipe has the name that git gives it",
  'second-server': "one server a pipe, also where several start at once; a killed one is in nobody's way",
  control: 'a control endpoint: status, watch and stop; nothing is left of a server',
  'on-demand': 'a server that is started on demand: by one of several clients, and it outlives them',
  command: 'the command: exit codes of serve, send and probe',
  fsmonitor: 'a worktree is watched: by one watch for all of it, with cookies that come by it',
  detached: 'a detached server outlives its parent',
};

for (const [scenario, title] of Object.entries(SCENARIOS)) {
  onWindows(title, async (t, peer) => {
    windows ??= makeWindows(peer);
    await windows.run(t, scenario);
  });
}
