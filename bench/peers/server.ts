/** What every peer's server has: a path, an answer, and a count of what it served. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

import { serverChild } from '../run/server-child.ts';

export interface PeerServer {
  /** The path to listen on. */
  readonly path: string;
  /** What to answer each request with. */
  readonly answer: Buffer;
  /** Counts a request that is answered. */
  served(): void;
  /** Tells the bench that the server listens. */
  listening(version: string): void;
}

export function peerServer(): PeerServer {
  let served = 0;
  const { path, settings, listening } = serverChild({ counts: () => ({ served }) });
  const { answerBytes } = settings;
  return {
    path,
    answer: answerBytes === 4 ? Buffer.from('pong') : Buffer.alloc(answerBytes, 'a'),
    served: () => void served++,
    listening: (version) => listening({ version }),
  };
}

/** The version of a package that is installed. Not by importing its package.json: some packages do not export it. */
export function versionOf(name: string): string {
  const file = findPackageJSON(name, import.meta.url);
  if (file === undefined) throw new Error(`${name} has no package.json.`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
