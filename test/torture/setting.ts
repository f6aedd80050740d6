/** What a run of the torture test is made of. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { longName } from '../support/rendezvous.ts';

/** The variable that every process of a run has: which run it is. */
export const MARK = 'SIMPLE_IPC_TORTURE';
/** The variable that tells servers where they write down what they do. */
export const LOGS = 'SIMPLE_IPC_TORTURE_LOGS';

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
export const MAIN = file('../../src/cli/main.ts');
export const ACTOR = file('actor-child.ts');
export const SERVER = file('server-child.ts');
export const HANDLER = file('handler.ts');

/** How long a server without clients lives at a path with idle exits, in milliseconds. */
export const IDLE = 300;
/** A path longer than any address of a socket, in bytes. */
const LONG = 150;

export interface Place {
  readonly path: string;
  /** Servers there end when nobody comes for `IDLE`. */
  readonly isIdle: boolean;
  /** How likely it is that a request there may start a server. */
  readonly onDemand: number;
  /** How much of the requests goes there, and how much of the starts and ends. */
  readonly requests: number;
  readonly lives: number;
}

export interface Setting {
  readonly directory: string;
  /** The actions of all processes. Stays when the run failed. */
  readonly logs: string;
  readonly places: readonly Place[];
}

export function makeSetting(): Setting {
  const directory = mkdtempSync(join(tmpdir(), 'simple-ipc-torture-'));
  const logs = join(directory, 'actions');
  mkdirSync(logs, { mode: 0o700 });
  const place = (name: string, more: Omit<Place, 'path'>): Place => {
    mkdirSync(join(directory, name), { mode: 0o700 });
    return { path: join(directory, name, 'server.sock'), ...more };
  };
  const long = longName(directory, 'long.sock', LONG);
  mkdirSync(join(long, '..'), { recursive: true, mode: 0o700 });
  return {
    directory,
    logs,
    places: [
      place('busy', { isIdle: false, onDemand: 0.1, requests: 50, lives: 40 }),
      { path: long, isIdle: false, onDemand: 0.1, requests: 30, lives: 30 },
      place('demand', { isIdle: false, onDemand: 0.9, requests: 20, lives: 25 }),
      // Few come here, so that there are pauses that are long enough.
      place('idle', { isIdle: true, onDemand: 0.8, requests: 1, lives: 5 }),
    ],
  };
}

/** What an acting process is told. */
export interface Part {
  readonly name: string;
  readonly seed: number;
  /** When to begin nothing more, by the clock of entries.ts. */
  readonly until: number;
  readonly directory: string;
  readonly logs: string;
  readonly places: readonly Place[];
}
