import { shell } from '../runtime/rendezvous/errors.ts';
import type { Facts } from './types.ts';

/** What a reason means, in a sentence, and what to do about it. */
interface Explanation {
  readonly meaning: string;
  /** One thing to do. Its capital words stand for what was found: PATH, DIRECTORY, FILE, PID. */
  readonly remedy: string;
}

const START = 'Start the server: it replaces the socket.';

/** Every reason that a diagnosis may give. docs/operations.md has this table. */
export const REASONS = {
  healthy: {
    meaning: 'A server accepts connections, and answers as far as it was asked.',
    remedy: 'Nothing.',
  },
  'invalid-path': {
    meaning: 'The path cannot name a socket.',
    remedy: 'Give a path whose last part is a name, such as ./app.sock.',
  },
  'path-too-long': {
    meaning:
      'The path is longer than any that a server can take, or its last part is longer than a socket address holds.',
    remedy: 'Use a shorter path, for the server and its clients.',
  },
  'directory-missing': {
    meaning: 'A directory on the way to the path does not exist.',
    remedy:
      'Check the path; if it is the right one, make its directory (mkdir -m 700 -p DIRECTORY) and start the server.',
  },
  'not-a-directory': {
    meaning: 'Something on the way to the path is no directory.',
    remedy: 'Check the path; if it is the right one, move FILE away.',
  },
  'directory-not-searchable': {
    meaning: 'This user may not enter a directory on the way to the path.',
    remedy:
      'Run as the user whose server it is, or have the owner of DIRECTORY let you in (chmod a+x DIRECTORY).',
  },
  'dangling-link': {
    meaning: 'A symbolic link, at the path or on the way to it, leads nowhere.',
    remedy: 'Make FILE lead to the socket of a server, or remove it: rm FILE',
  },
  'nothing-there': {
    meaning: 'Nothing stands at the path: no server was started there, or it has stopped.',
    remedy: 'Start the server, or check the path.',
  },
  'not-a-socket': {
    meaning: 'What stands at the path is no socket.',
    remedy:
      'Check the path; a server does not replace what is no socket, so move FILE away if it is in the way.',
  },
  'permission-denied': {
    meaning: 'The system does not let this user connect.',
    remedy: 'Run as the user whose server it is, or have that user open it to you.',
  },
  'directory-untrusted': {
    meaning: 'Others can put another socket in the place of this one, so clients refuse to use it.',
    remedy: 'Close the directory to them: chmod go-w DIRECTORY',
  },
  'owner-untrusted': {
    meaning:
      'The socket, or the directory or link that leads to it, belongs to another user, so clients refuse to use it.',
    remedy:
      'Use a path in a directory of your own; or, if you trust that user, tell the client so: --allow-untrusted.',
  },
  'sidecar-untrusted': {
    meaning:
      'The directory beside the socket, with its lock and status, is open to others, or is no directory of this user.',
    remedy: 'See that FILE is a directory of yours alone (chmod 700 FILE), or move it away.',
  },
  'status-untrue': {
    meaning:
      'A server listens, but what its status says is not true, or cannot be read: it cannot be asked or stopped safely.',
    remedy: 'Find out who wrote in FILE, and start the server anew: that writes a true one.',
  },
  'path-lost': {
    meaning: 'A server lives, and the path is not its own any more: its socket was deleted or replaced.',
    remedy:
      'End the server that lost the path (pid PID), unless it has ended by itself, which one that hangs does not: simple-ipc stop PATH --force; then start it again.',
  },
  draining: {
    meaning: 'The server is ending, and takes no more requests.',
    remedy: 'Wait until it has ended (pid PID), and start it again if it should run.',
  },
  'stale-socket': {
    meaning: 'The socket is what an ended server left: nobody listens on it.',
    remedy: START,
  },
  'stale-socket-no-status': {
    meaning: 'Nobody listens on the socket, and nothing says whose it was.',
    remedy: START,
  },
  'stale-mount': {
    meaning: 'The socket was mounted here by itself, and its server has ended, or has made a new one since.',
    remedy: 'Mount the directory that the socket is in, not the socket; until then, mount it again: PATH',
  },
  'network-file-system': {
    meaning:
      'Nobody answers here, and the file system may be shared with another machine, whose server cannot be reached from here.',
    remedy: 'Use a path on a local file system, for the server and its clients.',
  },
  'process-stopped': {
    meaning: 'The process of the server is stopped, by a signal or a debugger.',
    remedy: 'Let it go on: kill -CONT PID',
  },
  'process-hangs': {
    meaning: 'The process of the server runs, and does not accept or answer in time.',
    remedy: 'See what keeps it, or end it (kill -9 PID) and start it again.',
  },
  'another-namespace': {
    meaning:
      'The server does not accept or answer in time, and its process is in another pid namespace or on another machine, where it cannot be looked at from here.',
    remedy: 'Run simple-ipc doctor where the server runs, such as in its container.',
  },
  'backlog-full': {
    meaning:
      'As many connections wait for the server as its backlog holds: it does not accept them, or too slowly.',
    remedy: 'Let clients wait (waitIfBusy); if it stays so, end the server (kill PID) and start it again.',
  },
  'out-of-descriptors': {
    meaning: 'The process of the server has as many files and connections open as it may.',
    remedy: 'Close connections, or start the server again with a higher limit (ulimit -n).',
  },
  'connections-refused': {
    meaning:
      'The server closes connections as soon as it has accepted them: it has as many as it takes, or no descriptors left, or it is ending.',
    remedy: 'Close other connections to it, or raise its limit (maxConnections).',
  },
  'not-simple-ipc': {
    meaning: 'What listens there does not speak Simple-IPC.',
    remedy: 'Check the path: it is that of another program.',
  },
  'connect-failed': {
    meaning: 'The system could not connect, for a reason that lies with the client.',
    remedy: 'Mend what the check says, and look again.',
  },
} as const satisfies Record<string, Explanation>;

export type Reason = keyof typeof REASONS;
export type Fault = Exclude<Reason, 'healthy'>;

/** A server that was not asked. */
const UNASKED = {
  meaning:
    'A server accepts connections; whether it answers, and is one of Simple-IPC, was not asked, as it has no control endpoint that this user can ask.',
  remedy: 'Nothing, unless it does not answer: then simple-ipc doctor --deep PATH asks it.',
} as const satisfies Explanation;

/** What to do, with what was found in it. A word that nothing was found for stays as it is. */
export function remedyFor(reason: Reason, facts: Facts): string {
  return fill(REASONS[reason].remedy, facts);
}

/** What a diagnosis means, and what to do: `given`, where a check has said that. */
export function explain(
  reason: Reason,
  facts: Facts,
  { isAsked, given }: { isAsked: boolean; given: string | undefined },
): Explanation {
  const { meaning, remedy } = reason === 'healthy' && !isAsked ? UNASKED : REASONS[reason];
  return { meaning, remedy: fill(given ?? remedy, facts) };
}

function fill(remedy: string, facts: Facts): string {
  return remedy.replace(/\b[A-Z]{3,}\b/gu, (word) => {
    const fact = facts[word];
    return typeof fact === 'string' ? shell(fact) : String(fact ?? word);
  });
}
