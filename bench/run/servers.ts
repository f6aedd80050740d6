/** How each server is started, and with what it is asked. */
import type { ServerName, WithoutServer } from '../types.ts';
import type { ChildSettings } from './server-child.ts';

export interface ServerKind {
  /** `bench/servers/FILE.ts`. */
  readonly file: string;
  /** `bench/clients/CLIENT.ts`, for the generator in TypeScript. */
  readonly client: string;
  /** It speaks pkt-line, so the generator in C can ask it; and this is what it is asked where the request is small. */
  readonly ping: string | undefined;
  readonly connectionPerRequest: boolean;
  /** What the bench is there for. */
  readonly isOurs: boolean;
  readonly settings?: Pick<ChildSettings, 'interpreted' | 'sampleRatio'>;
}

const pktLine = { client: 'simple-ipc', ping: 'ping', connectionPerRequest: true, isOurs: false };
const ours = { ...pktLine, file: 'simple-ipc', isOurs: true };

const SERVERS: Readonly<Record<Exclude<ServerName, WithoutServer>, ServerKind>> = {
  'node:net': { ...pktLine, file: 'floor' },
  'simple-ipc': ours,
  'simple-ipc, interpreted': { ...ours, settings: { interpreted: true } },
  'simple-ipc, 1 % sampled': { ...ours, settings: { sampleRatio: 0.01 } },
  'simple-ipc, 100 % sampled': { ...ours, settings: { sampleRatio: 1 } },
  git: { ...pktLine, file: 'git', ping: 'flush' },
  'node:http': peer('http'),
  'grpc-js': peer('grpc'),
  'node-ipc': peer('node-ipc'),
  'vscode-jsonrpc': peer('vscode-jsonrpc'),
  'sock-daemon': peer('sock-daemon'),
};

/** @throws {Error} where nothing by that name can be started and asked */
export function kindOf(name: ServerName): ServerKind {
  const kind = Object.hasOwn(SERVERS, name) ? SERVERS[name as keyof typeof SERVERS] : undefined;
  if (kind === undefined) throw new Error(`${name} is no server: only the scenarios of fsmonitor have it.`);
  return kind;
}

/** Each keeps its connections. */
function peer(file: string): ServerKind {
  return { file, client: file, ping: undefined, connectionPerRequest: false, isOurs: false };
}
