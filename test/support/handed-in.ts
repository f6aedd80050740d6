import { chmodSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import type { ExecutionContext } from 'ava';
import { descriptorOf } from '../system/handing-in.ts';
import { spawnHost, type Host, type HostSetting } from './host.ts';
import { closed } from './rendezvous.ts';

/** Processes that are handed the same socket, which listens at a path, and that nobody else holds. */
export async function handedIn(
  t: ExecutionContext,
  path: string,
  ...settings: readonly HostSetting[]
): Promise<Host[]> {
  const listener = createServer();
  // Node unlinks the name that it bound.
  await new Promise<void>((resolve) => listener.listen(`${path}~`, resolve));
  chmodSync(`${path}~`, 0o666);
  renameSync(`${path}~`, path);
  const descriptors = [descriptorOf(listener)];
  const hosts = await Promise.all(settings.map((setting) => spawnHost(t, { ...setting, descriptors })));
  // Until now it may have taken connections itself; nobody has come.
  await closed(listener);
  return hosts;
}
