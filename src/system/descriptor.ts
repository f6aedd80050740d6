import { fstatSync, readFileSync } from 'node:fs';

import { errnoOf } from '../runtime/errors.ts';
import { tableRows, unixSockets, type UnixSocket } from '../runtime/proc.ts';

/** What a descriptor is, as far as a server can use it. */
export type Descriptor =
  /** A Unix stream socket that listens, and the name that it was bound to. */
  | { readonly kind: 'listening'; readonly address: string }
  /** A socket about which the system does not say more: elsewhere than on Linux, or in another network namespace. */
  | { readonly kind: 'unseen' }
  /** Nothing that can be served: what it is, with its article. */
  | { readonly kind: 'other'; readonly what: string };

/** SOCK_STREAM and SS_CONNECTED, as the kernel prints them. */
const STREAM = '0001';
const CONNECTED = '03';

const OTHER_TYPES: Readonly<Record<string, string>> = {
  '0002': 'a datagram socket',
  '0005': 'a socket of sequential packets',
};
const INTERNET = [
  ['tcp', 'a TCP socket'],
  ['tcp6', 'a TCP socket'],
  ['udp', 'a UDP socket'],
  ['udp6', 'a UDP socket'],
] as const;

/** What that descriptor of this process is; `undefined` when it is not open. */
export function describe(fd: number): Descriptor | undefined {
  let inode: string;
  try {
    const stats = fstatSync(fd, { bigint: true });
    if (!stats.isSocket()) return { kind: 'other', what: 'no socket' };
    inode = String(stats.ino);
  } catch (error) {
    if (errnoOf(error) === 'EBADF') return undefined;
    throw error;
  }
  const socket = unixSocket(inode);
  if (socket !== undefined) return classify(socket);
  const internet = INTERNET.find(([table]) =>
    internetRows(table).some((row) => row.trim().split(/ +/)[9] === inode),
  );
  return internet === undefined ? { kind: 'unseen' } : { kind: 'other', what: internet[1] };
}

function classify({ type, listens, state, name: address }: UnixSocket): Descriptor {
  if (type !== STREAM) return { kind: 'other', what: OTHER_TYPES[type] ?? 'a socket of another type' };
  if (state === CONNECTED) return { kind: 'other', what: 'a connection that was accepted already' };
  if (!listens) return { kind: 'other', what: 'a socket that does not listen' };
  // Such addresses have no owner and no mode: everybody may connect.
  if (address.startsWith('@'))
    return { kind: 'other', what: `a socket with an abstract address, ${address}` };
  return { kind: 'listening', address };
}

/** The socket with that inode, which is also what fstat(2) says of its descriptors. */
function unixSocket(inode: string): UnixSocket | undefined {
  try {
    return unixSockets().find((socket) => socket.inode === inode);
  } catch {
    return undefined;
  }
}

/** The rows of a table of this network namespace's sockets; none where there is no such table. */
function internetRows(table: string): string[] {
  try {
    return tableRows(readFileSync(`/proc/net/${table}`, 'utf8'));
  } catch {
    return [];
  }
}
