/** What is wrong with the descriptors that a service manager hands in, and what to do about it. */

import { invalidArgument, type SimpleIpcError } from '../runtime/errors.ts';
import { shell } from '../runtime/rendezvous/errors.ts';
import type { Descriptor } from './descriptor.ts';

/** A descriptor that was handed in. */
export interface HandedIn {
  readonly fd: number;
  /** FileDescriptorName= of its unit, or the unit's name. */
  readonly name: string | undefined;
  readonly is: Descriptor;
}

const BY_HAND = 'Without a service manager, unset LISTEN_PID and LISTEN_FDS.';
const UNIT = 'Its socket unit needs ListenStream= with an absolute path, and Accept=no.';

export function malformedVariable(name: string, value: string): SimpleIpcError {
  return invalidArgument(
    `${name} is ${JSON.stringify(value)}, which is no number: a service manager sets it when it hands in sockets ` +
      `(sd_listen_fds(3)). ${BY_HAND}`,
  );
}

export function notOpen(fd: number, count: number): SimpleIpcError {
  return invalidArgument(
    `LISTEN_FDS is ${count}, but the descriptor ${fd} is not open: who starts this process has to leave it open. ${BY_HAND}`,
  );
}

export function notServable(handedIn: HandedIn, path: string | undefined): SimpleIpcError {
  return invalidArgument(
    `The service manager handed in ${described(handedIn)}, and not a Unix stream socket that listens. ${UNIT}`,
    path === undefined ? {} : { path },
  );
}

export function noneAt(path: string, all: readonly HandedIn[]): SimpleIpcError {
  return invalidArgument(
    `No socket at ${shell(path)} was handed in by the service manager, but ${all.map(described).join('; ')}. ` +
      "Give PATH and the socket unit's ListenStream= the same path.",
    { path },
  );
}

export function whichOne(all: readonly HandedIn[]): SimpleIpcError {
  return invalidArgument(
    `The service manager handed in ${all.length} descriptors: ${all.map(described).join('; ')}. ` +
      'Say by PATH which one is to be served.',
  );
}

export function addressUnseen(handedIn: HandedIn): SimpleIpcError {
  return invalidArgument(
    `The service manager handed in ${described(handedIn)}. Give PATH, as the ListenStream= of its socket unit says it.`,
  );
}

function described({ fd, name, is }: HandedIn): string {
  const label = `the descriptor ${fd}${name === undefined ? '' : ` (${name})`}`;
  switch (is.kind) {
    case 'listening':
      return `${label}, which listens at ${shell(is.address)}`;
    case 'unseen':
      return `${label}, a socket whose address cannot be seen from here`;
    case 'other':
      return `${label}, which is ${is.what}`;
  }
}
