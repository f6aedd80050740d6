/**
 * What a server of the bench's own does as a child of the bench, `node bench/servers/NAME.ts PATH SETTINGS`: it says on
 * stdout when it listens, and tells over the IPC channel what it has counted.
 */
import type { ServerSettings } from '../types.ts';

/** What the servers are told: `ServerSettings`, and what `start-server.ts` adds of each. */
export interface ChildSettings extends ServerSettings {
  readonly interpreted?: boolean;
  /** The share of requests that are traced. */
  readonly sampleRatio?: number;
  readonly serviceName?: string;
}

/** The line on stdout. */
export interface Listening {
  readonly listening: true;
  readonly version: string;
  /** Where it is not the path that was given. */
  readonly path?: string;
  /** Where another process serves. */
  readonly pid?: number;
}

export interface ServerChild {
  readonly path: string;
  readonly settings: ChildSettings;
  listening(about: Omit<Listening, 'listening'>): void;
}

export interface ServerChildOptions {
  readonly counts?: () => Readonly<Record<string, number>>;
  /** Ends what should end in order, or runs beside this process. */
  readonly close?: () => Promise<unknown>;
}

export function serverChild({ counts, close }: ServerChildOptions): ServerChild {
  const [path, settings] = process.argv.slice(2);
  if (path === undefined || settings === undefined) throw new Error('Usage: node SERVER.ts PATH SETTINGS');

  process.on('message', (message) => {
    if (message === 'counts') process.send?.({ counts: counts?.() ?? {} });
  });
  const end = async () => {
    await close?.();
    process.exit();
  };
  process.once('SIGTERM', () => void end());
  // Nobody would stop it once the bench is gone.
  process.once('disconnect', () => void end());

  return {
    path,
    settings: JSON.parse(settings) as ChildSettings,
    listening: (about) => void process.stdout.write(`${JSON.stringify({ listening: true, ...about })}\n`),
  };
}
