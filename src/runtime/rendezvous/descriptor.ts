import type { Server } from 'node:net';

import { errnoOf, reasonOf } from '../errors.ts';
import { resolveEndpoint } from './endpoint.ts';
import { descriptorFailed, shell } from './errors.ts';
import { identityAt } from './identity.ts';
import { makeInstance, type Instance } from './instance.ts';
import { close, listen } from './listen.ts';
import { kept, release, type Publication } from './publication.ts';
import type { Prepared, PublishOptions } from './publish.ts';
import { prepareSidecar, sweep } from './sidecar.ts';
import { statusOf, type InstanceStatus } from './status.ts';

/**
 * Has a server listen on a descriptor that somebody else has made to listen, such as a service manager. The path is that
 * one's: it is neither locked nor changed, looked at nor removed. Where a status cannot be written beside it, the server does
 * without, and that is told.
 *
 * @throws {SimpleIpcError} `SIMPLE_IPC_INVALID_ARGUMENT` for no path, `SIMPLE_IPC_LISTEN_FAILED` when it is no such
 *   descriptor.
 */
export async function adopt(
  server: Server,
  path: string,
  fd: number,
  options: Pick<PublishOptions, 'backlog' | 'identity' | 'onNotice' | 'prepare'>,
): Promise<Publication> {
  const { absolute } = resolveEndpoint(path);
  try {
    await listen(server, () => server.listen({ fd, backlog: options.backlog }));
  } catch (error) {
    await close(server);
    throw descriptorFailed(absolute, fd, error);
  }
  const described = await describe(absolute, options);
  return kept(absolute, { ...described, isShared: true });
}

async function describe(
  path: string,
  { identity, prepare, onNotice }: Pick<PublishOptions, 'identity' | 'onNotice' | 'prepare'>,
): Promise<{ instance: Instance; status: InstanceStatus } | undefined> {
  let instance: Instance | undefined;
  let control: Prepared | undefined;
  try {
    instance = makeInstanceFor(path, onNotice ?? (() => {}));
    control = await prepare?.(instance);
    const status = statusOf(
      // The path is not this server's to look after.
      { path, boundAs: path, control: control?.path ?? null, ...identity, pathCheckInterval: 0 },
      identityAt(path),
    );
    instance.write(status);
    return { instance, status };
  } catch (error) {
    await control?.close();
    if (instance !== undefined) release(instance);
    onNotice?.(
      `Beside ${shell(path)} no status could be written (${reasonOf(error)}): the server can't be asked about itself. ` +
        'Give it a directory of its own to have one.',
    );
    return undefined;
  }
}

/** Without the lock, a server that ends may remove the sidecar at any time, as long as nothing stands in it. */
function makeInstanceFor(path: string, onNotice: (message: string) => void): Instance {
  for (;;) {
    try {
      const sidecar = prepareSidecar(path);
      sweep(sidecar, onNotice);
      return makeInstance(sidecar, path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}
